//! What is wrong is found where it is, and what is not wrong is not.

use super::*;
use crate::audit::notice::Torn;

#[test]
fn a_whole_log_is_whole_and_says_what_it_cannot_show() {
    let mut made = Made::begin();
    made.records(&["/1", "/2"]);
    let kept = made.sign();
    let first = made.next();
    made.record("/3");
    let last = made.sign();
    let report = verified(&[&first, &made.text], &[&kept, &last]);
    assert_eq!(wrong(&report), []);
    assert_eq!((report.files, report.lines, report.records), (2, 7, 3));
    let seen = &report.logs[0];
    assert_eq!((seen.first_seq, seen.last_seq, seen.checkpoints), (1, 7, 2));
    assert_eq!((seen.signed_to, seen.kept_to), (6, 6));
    let unproven = "log 00000000000000000000000000000007: that it ended with line 7: the newest kept checkpoint is of line 6";
    assert_eq!(report.unproven, [unproven]);
    let report = verified(&[&first, &made.text], &[]);
    assert!(
        report.is_whole() && report.unproven[0].contains("a cut end shows only"),
        "{report:?}"
    );
    // The last file alone is what it is: the end of a log.
    let report = verified(&[&made.text], &[]);
    assert!(report.is_whole());
    assert!(
        report.unproven[0].contains("is line 5 of its chain: the files with the 4 in front"),
        "{report:?}"
    );
}

/// Another hash: with another first letter.
fn other(link: &str) -> String {
    let mut link = link.to_owned();
    link.replace_range(..1, if link.starts_with('B') { "C" } else { "B" });
    link
}

/// A log of seven lines, the last of which is a checkpoint.
fn seven() -> Vec<u8> {
    let mut made = Made::begin();
    made.records(&["/2", "/3", "/4", "/5", "/6"]);
    made.sign();
    made.text
}

/// What is wrong with `tampered`, in which of its lines.
fn is_found(tampered: &[u8], expected: &[(u64, Wrong)]) {
    let report = verified(&[tampered], &[]);
    let found = report.wrong.iter().map(|one| (one.line, one.wrong.clone()));
    let text = String::from_utf8_lossy(tampered);
    assert_eq!(found.collect::<Vec<_>>(), expected, "{text}");
    assert!(report.wrong.iter().all(|one| one.file == "file-0"));
}

#[test]
fn a_changed_byte_is_found_at_its_line() {
    let text = String::from_utf8(seven()).unwrap();
    let link = text.lines().nth(3).unwrap().rsplit('"').nth(1).unwrap();
    let missing = Wrong::Missing { first: 4, last: 8 };
    for (from, to, wrong) in [
        ("/4", "/9", Wrong::Changed),
        (r#""seq":4"#, r#""seq":9"#, missing),
        (link, &other(link), Wrong::Changed),
    ] {
        assert!(text.contains(from));
        is_found(text.replacen(from, to, 1).as_bytes(), &[(4, wrong)]);
    }
}

#[test]
fn lines_that_are_missing_moved_or_put_in_are_found_where_they_are() {
    let missing = |line, first, last| (line, Wrong::Missing { first, last });
    let out_of_order = |line, after| (line, Wrong::OutOfOrder { after });
    let text = seven();
    let lines = |numbers: &[usize]| only(&text, numbers);
    is_found(&lines(&[1, 2, 3, 5, 6, 7]), &[missing(4, 4, 4)]);
    is_found(&lines(&[1, 2, 6, 7]), &[missing(3, 3, 5)]);
    is_found(
        &lines(&[1, 2, 4, 3, 5, 6, 7]),
        &[missing(3, 3, 3), out_of_order(4, 4)],
    );
    is_found(&lines(&[1, 2, 3, 3, 4, 5, 6, 7]), &[out_of_order(4, 3)]);
    let forged = b"{\"forged\":1}\n";
    let with = [&lines(&[1, 2])[..], forged, &lines(&[3, 4, 5, 6, 7])].concat();
    is_found(&with, &[(3, Wrong::Stray { bytes: 12 })]);
}

#[test]
fn a_cut_end_and_an_older_file_are_found_by_a_kept_checkpoint() {
    let mut made = Made::begin();
    made.record("/2");
    made.sign();
    let older = made.text.clone();
    made.records(&["/4", "/5"]);
    let kept = made.sign();
    let cut = |size, last| Wrong::Cut {
        from: "kept".to_owned(),
        size,
        last,
    };
    let place = "kept:1".to_owned();
    let report = verified(&[&only(&made.text, &[1, 2, 3, 4])], &[&kept]);
    assert_eq!(wrong(&report), [(place.clone(), cut(5, 4))]);
    assert_eq!(
        wrong(&verified(&[&older], &[&kept])),
        [(place.clone(), cut(5, 3))]
    );
    assert!(verified(&[&older], &[]).is_whole());

    // A file in the middle that is an older one of itself.
    let first = made.next();
    made.record("/7");
    let between = verified(&[&older, &made.text], &[]);
    let gap = Wrong::Missing { first: 4, last: 6 };
    assert_eq!(wrong(&between), [("file-1:1".to_owned(), gap)]);
    assert!(verified(&[&first, &made.text], &[&kept]).is_whole());

    // Another log altogether, and one that was written anew with the same name.
    let mut other = Made::begin();
    other.records(&["/2", "/3", "/4", "/5"]);
    other.sign();
    let from = "kept".to_owned();
    let anew = (String::from("file-0:5"), Wrong::NotAsKept { from });
    assert_eq!(wrong(&verified(&[&other.text], &[&kept])), [anew]);
    other = Made::begin();
    other.text.clear();
    (other.log, other.chain) = (LogId::new(8), Chain::default());
    other.head(&Head::Begins { unchained_bytes: 0 });
    other.sign();
    let log = made.log.to_string();
    assert_eq!(
        wrong(&verified(&[&other.text], &[&kept])),
        [(place, Wrong::UnknownLog { log })]
    );
}

#[test]
fn a_checkpoint_that_is_forged_or_of_something_else_is_found() {
    let mut made = Made::begin();
    made.record("/2");
    made.key = SigningKey::generate("PeterNeumann").unwrap();
    made.sign();
    let report = verified(&[&made.text], &[]);
    assert!(
        matches!(&wrong(&report)[..], [(place, Wrong::BadCheckpoint { .. }), (_, Wrong::Unsigned { .. })] if place == "file-0:3"),
        "{report:?}"
    );

    // Right signature, wrong place.
    let mut made = Made::begin();
    let early = made.sign();
    made.record("/3");
    made.notice(Notice {
        audit: Kind::Checkpoint,
        note: Some(early),
        ..Notice::default()
    });
    let report = verified(&[&made.text], &[]);
    assert_eq!(
        wrong(&report),
        [("file-0:4".to_owned(), Wrong::OtherCheckpoint { size: 1 })]
    );
    let mut verifier = Verifier::new(Some(key()));
    assert!(verifier.keep("kept", "no note").is_err());
    let empty = Verifier::new(None).finish();
    assert_eq!(wrong(&empty), [(":0".to_owned(), Wrong::NoChain)]);
}

#[test]
fn a_torn_line_is_told_from_tampering_by_the_line_after_it() {
    let torn = b"{\"time\":\"20".as_slice();
    let log = |declared: Option<Torn>, found: &[u8]| {
        let mut made = Made::begin();
        made.record("/2");
        made.text.extend_from_slice(found);
        made.text.push(b'\n');
        made.head(&Head::Resumes { torn: declared });
        made.sign();
        verified(&[&made.text], &[])
    };
    let report = log(Torn::of(torn), torn);
    assert_eq!((wrong(&report), report.torn.len()), (vec![], 1));
    assert!(
        report.torn[0].starts_with("file-0:3 was torn"),
        "{report:?}"
    );
    let stray = |bytes| vec![("file-0:3".to_owned(), Wrong::Stray { bytes })];
    // Not said, or something else is there.
    assert_eq!(wrong(&log(None, torn)), stray(11));
    assert_eq!(wrong(&log(Torn::of(torn), b"{\"time\":\"21")), stray(11));
    assert_eq!(wrong(&log(Torn::of(torn), b"{\"time\":\"2")), stray(10));

    // At the end of a file that was left, and of the last one.
    let mut made = Made::begin();
    made.record("/2");
    made.text.extend_from_slice(torn);
    let first = std::mem::take(&mut made.text);
    made.head(&Head::Continues {
        from: None,
        torn: Torn::of(torn),
    });
    made.sign();
    assert_eq!(wrong(&verified(&[&first, &made.text], &[])), []);
    let alone = Verifier::new(None);
    let mut alone = alone;
    alone.read("alone", first.as_slice()).unwrap();
    let alone = alone.finish();
    assert!(
        alone.is_whole() && alone.unproven[0].starts_with("alone:3 is not whole"),
        "{alone:?}"
    );
}

#[test]
fn files_are_put_in_the_order_in_which_they_were_written() {
    let mut made = Made::begin();
    made.record("/2");
    let first = made.next();
    let second = made.next();
    let third = made.text;
    let head = |file: &[u8]| only(file, &[1]);
    let heads = [head(&third), head(&first), head(&second)];
    assert_eq!(in_order(&heads), [1, 2, 0]);
}
