//! The policy set that a sidecar has kept, after somebody was at the file.

use std::fs;
use std::path::PathBuf;

use aws_lc_rs::digest;
use portreeve::identity::Endorsed;
use portreeve::identity::Endorsement;
use portreeve::identity::Svid;
use portreeve::rpc::authority::PolicySet;
use prost::Message as _;
use tempfile::TempDir;

use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::policies;
use crate::authority::policies::KEEPING;
use crate::authority::town::Town;
use crate::stage::svid_of;

/// A town whose `web` has kept a set, and whose authority is away.
struct Away {
    /// Another workload of the trust domain.
    other: Svid,
    town: Town,
    set: PolicySet,
    whole: Vec<u8>,
}

impl Away {
    fn new() -> Self {
        let mut town = policies::town();
        let other = town.token("other");
        let other = town.newcomer().enrol(&key(), by_token(&other)).unwrap();
        let proof = policies::keeping(&town)[1].clone();
        let web = town.web(([127, 0, 0, 1], 1).into(), &proof);
        web.says("/status", "\"version\":1,");
        web.stop();
        town.stop();
        let whole = fs::read(town.path("web-state/policy.pb")).unwrap();
        Self {
            set: PolicySet::decode(whole.as_slice()).unwrap(),
            other,
            town,
            whole,
        }
    }

    fn file(&self) -> PathBuf {
        self.town.path("web-state/policy.pb")
    }

    /// Why `web` does not start with `bytes` in the file.
    fn refused_with(&self, bytes: &[u8]) -> String {
        fs::write(self.file(), bytes).unwrap();
        let told = self.town.failure_of_web(KEEPING[1]);
        assert!(told.contains("web-state/policy.pb"), "{told}");
        assert!(told.contains("remove it, and start again"), "{told}");
        told
    }

    /// The twin that passes.
    fn starts_with(&self, bytes: &[u8]) {
        fs::write(self.file(), bytes).unwrap();
        let web = self.town.web(([127, 0, 0, 1], 1).into(), KEEPING[1]);
        web.says("/status", "\"version\":1,");
        web.stop();
    }

    /// The set with another document, signed by `signer`.
    fn forged_by(&self, signer: &Svid) -> Vec<u8> {
        use portreeve::time::Clock as _;

        let text = String::from_utf8(self.set.document.to_vec()).unwrap();
        let text = text.replace("mesh.example/web", "mesh.example/evil");
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        let what = Endorsed { version: 9, digest };
        let signed = Endorsement::sign(what, signer, self.town.calendar.now()).unwrap();
        let set = PolicySet {
            version: 9,
            digest: digest.to_vec(),
            document: text.into(),
            signed_at_s: signed.signed_at_s,
            chain: signed.chain.iter().map(|der| der.to_vec()).collect(),
            scheme: u16::from(signed.scheme).into(),
            signature: signed.signature,
        };
        set.encode_to_vec()
    }
}

#[test]
fn a_set_that_was_kept_and_changed_is_refused() {
    let away = Away::new();
    away.starts_with(&away.whole);
    for at in (0..away.whole.len()).step_by(37) {
        let mut flipped = away.whole.clone();
        flipped[at] ^= 1;
        away.refused_with(&flipped);
    }
    for length in [0, 1, 40, away.whole.len() / 2, away.whole.len() - 1] {
        away.refused_with(&away.whole[..length]);
    }
    let mut later = away.set.clone();
    later.version += 1;
    let told = away.refused_with(&later.encode_to_vec());
    assert!(told.contains("the signature is not good"), "{told}");
    let mut later = away.set.clone();
    later.signed_at_s += 3600;
    let told = away.refused_with(&later.encode_to_vec());
    assert!(told.contains("has not come yet"), "{told}");
    let mut without = away.set.clone();
    without.document.clear();
    let told = away.refused_with(&without.encode_to_vec());
    assert!(told.contains("its document was left out"), "{told}");
    away.starts_with(&away.whole);
}

#[test]
fn a_set_that_somebody_else_has_signed_is_refused() {
    let away = Away::new();
    let told = away.refused_with(&away.forged_by(&away.other));
    let signers = "`spiffe://mesh.example/other` has signed it, not `spiffe://mesh.example/portreeve/authority`";
    assert!(told.contains(signers), "{told}");

    // An authority of the same name, whose root nobody here believes.
    let folder: TempDir = tempfile::tempdir().unwrap();
    let clock: std::sync::Arc<crate::stage::Calendar> = std::sync::Arc::clone(&away.town.calendar);
    let domain = "mesh.example".parse().unwrap();
    let foreign = portreeve::ca::Authority::open(folder.path(), domain, clock).unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let (chain, key) = svid_of(&foreign, "portreeve/authority", hour);
    let foreign = Svid::new(chain, key).unwrap();
    let told = away.refused_with(&away.forged_by(&foreign));
    assert!(
        told.contains("the signer's certificate is not believed"),
        "{told}"
    );
    away.starts_with(&away.whole);
}

#[test]
fn a_set_that_was_changed_is_replaced_while_the_authority_can_be_asked() {
    let mut away = Away::new();
    away.refused_with(b"");
    // Its digest is good, and its document another's.
    let mut other = away.set.clone();
    other.document = other.document.slice(1..);
    let other = other.encode_to_vec();
    away.refused_with(&other);
    away.town.start();
    for damaged in [&b""[..], &other] {
        away.starts_with(damaged);
        let kept = fs::read(away.file()).unwrap();
        let kept = PolicySet::decode(kept.as_slice()).unwrap();
        assert_eq!(kept.document, away.set.document);
    }
    away.town.stop();
    let kept = fs::read(away.file()).unwrap();
    away.starts_with(&kept);
}

#[test]
fn without_a_kept_set_and_without_an_authority_nothing_starts() {
    let mut away = Away::new();
    fs::remove_file(away.file()).unwrap();
    let told = away.town.failure_of_web(KEEPING[1]);
    assert!(
        told.contains("no policy set was kept from before"),
        "{told}"
    );
    away.starts_with(&away.whole);

    // Groups are not what was written, either.
    let groups = away.town.path("web-state/groups.json");
    fs::write(&groups, "{").unwrap();
    let told = away.town.failure_of_web(KEEPING[1]);
    assert!(
        told.contains("groups.json` is not what was kept there"),
        "{told}"
    );
    // Nor does it mean that nobody is in one: a policy may forbid who is.
    fs::remove_file(&groups).unwrap();
    let told = away.town.failure_of_web(KEEPING[1]);
    assert!(
        told.contains("groups.json` is not there, though a policy set was kept"),
        "{told}"
    );
    fs::write(&groups, "{}").unwrap();
    away.starts_with(&away.whole);
    fs::remove_file(&groups).unwrap();
    away.town.start();
    away.starts_with(&away.whole);
    assert_eq!(fs::read_to_string(groups).unwrap(), "{}");
}
