//! Whatever is done to a log, it is found, or it is said that it could not be.

use super::*;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assume;
use proptest::proptest;
use proptest::sample::Index;

/// What may be done to a log.
fn tamper(text: &[u8], how: u8, (one, other): (Index, Index), byte: u8) -> Vec<u8> {
    let mut bytes = text.to_vec();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let (a, b) = (one.index(lines.len()), other.index(lines.len()));
    let mut numbers: Vec<usize> = (1..=lines.len()).collect();
    match how {
        0 => bytes[one.index(text.len())] ^= byte,
        1 => bytes.truncate(one.index(text.len())),
        2 => bytes.insert(one.index(text.len()), byte),
        3 => drop(bytes.drain(
            one.index(text.len()).min(other.index(text.len()))
                ..one.index(text.len()).max(other.index(text.len())),
        )),
        _ => {
            match how {
                4 => drop(numbers.remove(a)),
                5 => numbers.swap(a, b),
                6 => numbers.insert(a, b + 1),
                7 => numbers.truncate(a),
                _ => drop(numbers.drain(a.min(b)..a.max(b))),
            }
            bytes = only(text, &numbers);
        }
    }
    bytes
}

proptest! {
    #[test]
    fn no_tampering_goes_unnoticed(
        paths in vec(any::<String>(), 1..12),
        checkpoint in any::<Index>(),
        how in 0..9_u8,
        places in any::<(Index, Index)>(),
        byte in 1..=255_u8,
    ) {
        let mut made = Made::begin();
        let signed = checkpoint.index(paths.len());
        for (nth, path) in paths.iter().enumerate() {
            made.record(path);
            if nth == signed {
                made.sign();
            }
        }
        let end = made.text.len();
        let kept = made.sign();
        prop_assert!(verified(&[&made.text], &[&kept]).is_whole());
        let tampered = tamper(&made.text, how, places, byte);
        prop_assume!(tampered != made.text);

        let report = verified(&[&tampered], &[&kept]);
        // But for what was written after the checkpoint that was kept.
        let untouched = tampered.starts_with(&made.text[..end]);
        prop_assert!(!report.is_whole() || untouched || began_late(&report), "{report:?}");

        let report = verified(&[&tampered], &[]);
        if report.is_whole() {
            // Part of a log, and it is said which end could not be proven; or part of one in front of another.
            let part = made.text.windows(tampered.len()).any(|part| part == tampered);
            let says = |text: &str| report.unproven.iter().any(|said| said.contains(text));
            prop_assert!(says("a new chain begins") || (part && says("a cut end")), "{report:?}");
        }
    }

    #[test]
    fn any_bytes_are_read(files in vec(vec(any::<u8>(), 0..200), 0..4)) {
        let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        prop_assert!(!verified(&files, &[]).is_whole());
    }
}

/// Whether it is said that lines in front are not here.
fn began_late(report: &Report) -> bool {
    report
        .unproven
        .iter()
        .any(|said| said.contains("of its chain: the files with"))
}
