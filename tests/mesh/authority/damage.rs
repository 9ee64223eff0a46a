//! An authority whose files are lost, exchanged or damaged.

use std::fs;
use std::net::SocketAddr;

use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::build;
use crate::authority::town::in_full;

#[test]
fn without_its_sealing_key_an_authority_does_not_start() {
    let mut town = stopped();
    let before = fs::read(town.path("authority.db")).unwrap();
    let roots = fs::read(town.path("roots.pem")).unwrap();
    let sealing = fs::read(town.path("sealing.key")).unwrap();
    fs::remove_file(town.path("sealing.key")).unwrap();
    let told = failure(&town);
    assert!(
        told.contains("sealing key") && told.contains("sealing.key"),
        "{told}"
    );
    assert!(!town.path("sealing.key").exists(), "another was made");

    for (text, why) in [
        (
            "0".repeat(64),
            "is the sealing key the one that it was sealed with?",
        ),
        (
            "0".repeat(63),
            "sealing.key` does not hold 64 hexadecimal digits",
        ),
        (
            String::new(),
            "sealing.key` does not hold 64 hexadecimal digits",
        ),
    ] {
        fs::write(town.path("sealing.key"), text).unwrap();
        let told = failure(&town);
        assert!(told.contains(why), "{told}");
    }
    assert!(
        fs::read(town.path("authority.db")).unwrap() == before,
        "it was written to"
    );
    fs::write(town.path("sealing.key"), sealing).unwrap();
    town.start();
    assert_eq!(fs::read(town.path("roots.pem")).unwrap(), roots);
    serves(&town);
}

#[test]
fn a_database_that_was_cut_short_is_not_used() {
    let mut town = stopped();
    let whole = fs::read(town.path("authority.db")).unwrap();
    let roots = fs::read(town.path("roots.pem")).unwrap();
    for bytes in [0, 1, 100, 4096, 8192, whole.len() / 2, whole.len() - 4096] {
        restore(&town, &whole[..bytes]);
        let told = failure(&town);
        assert!(told.contains("database"), "{bytes}: {told}");
        assert_eq!(fs::read(town.path("roots.pem")).unwrap(), roots);
    }
    restore(&town, &[]);
    let told = failure(&town);
    assert!(
        told.contains("put the last copy of it back, or remove it to begin anew"),
        "{told}"
    );
    restore(&town, &whole);
    town.start();
    assert_eq!(fs::read(town.path("roots.pem")).unwrap(), roots);
    serves(&town);
}

#[test]
fn a_damaged_signing_key_never_signs() {
    let mut town = stopped();
    let whole = fs::read(town.path("authority.db")).unwrap();
    let roots = fs::read(town.path("roots.pem")).unwrap();
    let (_, sealed) = town.sealed_key();
    let places = [
        place(&whole, sealed.as_bytes()),
        place(&whole, b"-----BEGIN CERTIFICATE"),
    ];
    let mut refused = 0;
    for place in places {
        for at in (place..place + 700).step_by(71) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            restore(&town, &damaged);
            fs::remove_file(town.path("roots.pem")).unwrap();
            // What means the same is no damage.
            match town.try_build() {
                Ok(_) => assert_eq!(fs::read(town.path("roots.pem")).unwrap(), roots, "{at}"),
                Err(_) => refused += 1,
            }
            fs::write(town.path("roots.pem"), &roots).unwrap();
        }
    }
    assert!(refused > 10, "{refused}");
    restore(&town, &whole);
    town.start();
    serves(&town);
}

#[test]
fn a_root_that_somebody_has_put_into_the_database_is_not_published() {
    let mut town = stopped();
    let whole = fs::read(town.path("authority.db")).unwrap();
    for sql in [
        "UPDATE signing_key SET state = 'prepared'",
        "UPDATE signing_key SET state = 'asleep'",
        "UPDATE signing_key SET certificate = certificate || certificate",
        "UPDATE signing_key SET id = 'other'",
        "UPDATE signing_key SET sealed_jwt_key = sealed_key",
        "INSERT INTO signing_key SELECT 'other', 'prepared', certificate, sealed_key, sealed_jwt_key FROM signing_key",
        "INSERT INTO signing_key SELECT id || '0', 'old', certificate, '', '' FROM signing_key",
    ] {
        restore(&town, &whole);
        town.tamper(sql);
        let told = failure(&town);
        assert!(told.contains("signing key"), "{sql}: {told}");
        town.is_let_go();
    }
    restore(&town, &whole);
    town.start();
    serves(&town);
}

#[test]
fn two_authorities_do_not_share_a_file() {
    let town = Town::new();
    let folder = town.path("");
    let elsewhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = "socket: other.sock";
    let Err(error) = build(&folder, elsewhere, settings, &town.calendar) else {
        panic!("both use it");
    };
    let told = in_full(&error);
    assert!(told.contains("another process uses the database"), "{told}");
    assert!(told.contains("several need PostgreSQL"), "{told}");
    serves(&town);
}

/// A town that has served, and does not now.
fn stopped() -> Town {
    let mut town = Town::new();
    serves(&town);
    town.put_away();
    town
}

fn serves(town: &Town) {
    let token = town.token("web");
    town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    town.records.next();
}

/// Why it does not start.
pub(crate) fn failure(town: &Town) -> String {
    let Err(error) = town.try_build() else {
        panic!("it starts");
    };
    in_full(&error)
}

fn place(bytes: &[u8], what: &[u8]) -> usize {
    let mut windows = bytes.windows(what.len());
    windows.position(|window| window == what).unwrap()
}

fn restore(town: &Town, bytes: &[u8]) {
    for name in ["authority.db-wal", "authority.db-shm"] {
        let _none = fs::remove_file(town.path(name));
    }
    fs::write(town.path("authority.db"), bytes).unwrap();
}
