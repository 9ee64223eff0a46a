//! Programs of the authority's own machine, whom the system knows.

use std::os::unix::fs::PermissionsExt as _;

use aws_lc_rs::digest;
use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::revoke_request::What;
use portreeve::rpc::workload::X509svid;
use portreeve::rpc::workload::X509svidRequest;
use rcgen::KeyPair;

use crate::authority::petitioner::believed;
use crate::authority::petitioner::key;
use crate::authority::petitioner::svid;
use crate::authority::renewal::joined;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::workload_api::path;
use crate::authority::workload_api::user;

#[test]
fn a_program_is_whomever_the_entries_for_it_name_the_most_particular_first() {
    let town = Town::with_programs("");
    let mode = std::fs::metadata(town.path("api.sock")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    town.enter("any", &[&user()], "spiffe://mesh.example/user/{unix:uid}");
    town.enter("web", &[&user(), &path()], WEB);
    town.enter("other", &["unix:path:/bin/other"], OTHER);
    let program = town.program();
    let told = program.next(&mut program.svids().unwrap()).unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let names = [WEB.to_owned(), format!("spiffe://mesh.example/user/{uid}")];
    let told_names: Vec<_> = told.svids.iter().map(|svid| &svid.spiffe_id).collect();
    assert_eq!(told_names, names.iter().collect::<Vec<_>>());
    let hints: Vec<_> = told.svids.iter().map(|svid| &svid.hint).collect();
    assert_eq!(hints, ["web", "any"]);
    let mut serials = Vec::new();
    for (told, name) in told.svids.iter().zip(&names) {
        let leaf = believed(&town, std::slice::from_ref(&told.x509_svid));
        assert_eq!(leaf.id().as_str(), name);
        // It is the key that was certified.
        svid(vec![told.x509_svid.clone()], &pair(told));
        serials.push(leaf.serial().to_owned());
    }
    assert_ne!(told.svids[0].x509_svid_key, told.svids[1].x509_svid_key);
    let gid = rustix::process::getegid().as_raw();
    let selectors = format!("unix:gid:{gid} {} {}", path(), user());
    for (at, entry) in ["web", "any"].into_iter().enumerate() {
        assert_eq!(
            town.records.next().says([
                "event",
                "decision",
                "proof",
                "source",
                "entry",
                "spiffe_id",
                "serial",
                "selectors"
            ]),
            format!(
                "svid_issue permit workload_api uid:{uid} {entry} {} {} {selectors}",
                names[at], serials[at]
            )
        );
    }
    let pid = std::process::id();
    assert_eq!(
        town.records
            .next()
            .says(["event", "decision", "source", "spiffe_id", "selectors"]),
        format!(
            "workload_attest permit uid:{uid} pid:{pid} {} {selectors}",
            names.join(" ")
        )
    );
}

#[test]
fn a_program_for_which_there_is_no_entry_is_nobody() {
    let town = Town::with_programs("");
    let program = town.program();
    let nobody = "PermissionDenied: no identity issued";
    town.enter("other", &["unix:uid:4294967294"], OTHER);
    assert_eq!(refused(program.names()), nobody);
    let record = town.records.next();
    assert_eq!(
        record.says(["event", "decision", "reason"]),
        "workload_attest deny no_entry"
    );
    assert!(record.text("selectors").ends_with(&user()));
    assert_eq!(refused(program.keys()), nobody);
    assert_eq!(refused(program.tokens("orders", "")), nobody);
    for _ in 0..2 {
        assert_eq!(town.records.next().text("reason"), "no_entry");
    }
    town.shows(
        "portreeve_workload_api_calls_total{code=\"PermissionDenied\",method=\"FetchX509SVID\"} 1",
    );
    town.enter("web", &[&user()], WEB);
    assert_eq!(program.names().unwrap(), [WEB]);
    town.shows("portreeve_workload_api_connections 1");
}

#[test]
fn a_call_that_does_not_say_that_it_is_meant_gets_nothing() {
    let town = Town::with_programs("");
    town.enter("web", &[&user()], WEB);
    let mut client = town.program().client;
    let outcome = town.wait(client.fetch_x509svid(X509svidRequest {}));
    assert_eq!(
        refused(outcome),
        "InvalidArgument: the metadata `workload.spiffe.io: true` is missing"
    );
    assert_eq!(town.program().names().unwrap(), [WEB]);
}

#[test]
fn a_program_is_told_at_once_what_entries_make_of_it() {
    let town = Town::with_programs("");
    town.enter("web", &[&user()], WEB);
    let program = town.program();
    let mut told = program.svids().unwrap();
    let first = program.next(&mut told).unwrap();
    town.enter_later("more", &[&user(), &gid()], OTHER);
    let second = program.next(&mut told).unwrap();
    assert_eq!(names(&second.svids), [OTHER, WEB]);
    // What has not changed is as it was.
    assert_eq!(second.svids[1], first.svids[0]);
    delete(&town, "web");
    assert_eq!(names(&program.next(&mut told).unwrap().svids), [OTHER]);
    assert_eq!(program.names().unwrap(), [OTHER]);
    delete(&town, "more");
    let end = "PermissionDenied: no identity issued";
    assert_eq!(refused(program.next(&mut told)), end);
    assert_eq!(refused(program.names()), end);
}

#[test]
fn what_a_program_is_made_of_counts_as_soon_as_an_entry_asks_for_it() {
    let town = Town::with_programs("");
    town.enter("web", &[&user()], WEB);
    let program = town.program();
    let mut told = program.svids().unwrap();
    program.next(&mut told).unwrap();
    let ours = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let ours = digest::digest(&digest::SHA256, &ours);
    let ours: String = ours
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    town.enter_later("exact", &[&format!("unix:sha256:{ours}")], OTHER);
    assert_eq!(
        refused(program.next(&mut told)),
        "Unavailable: what is sure of the program has changed: call again"
    );
    assert_eq!(program.names().unwrap(), [OTHER, WEB]);
    town.enter_later(
        "inexact",
        &[&format!("unix:sha256:{}", "0".repeat(64))],
        WEB,
    );
    assert_eq!(program.names().unwrap(), [OTHER, WEB]);
}

#[test]
fn whoever_is_revoked_is_nobody_until_that_is_taken_back() {
    let town = Town::with_programs("");
    town.enter("web", &[&user()], WEB);
    let program = town.program();
    let mut told = program.svids().unwrap();
    program.next(&mut told).unwrap();
    let issued = town.record_of("svid_issue").text("serial");
    town.record_of("workload_attest");
    town.revoke(What::Serial(issued.clone()));
    // Another certificate, since the entry still stands.
    let next = program.next(&mut told).unwrap();
    let leaf = believed(&town, std::slice::from_ref(&next.svids[0].x509_svid));
    assert_ne!(leaf.serial(), issued);
    assert_eq!(town.record_of("svid_issue").text("serial"), leaf.serial());
    town.revoke(What::SpiffeId(WEB.to_owned()));
    let end = "PermissionDenied: no identity issued";
    assert_eq!(refused(program.next(&mut told)), end);
    assert_eq!(refused(program.names()), end);
    assert_eq!(
        town.record_of("workload_attest")
            .says(["decision", "reason"]),
        "deny revoked"
    );
    assert_eq!(refused(program.tokens("orders", WEB)), end);
    let what = Some(rpc::unrevoke_request::What::SpiffeId(WEB.to_owned()));
    let request = rpc::UnrevokeRequest { what };
    town.wait(town.operator().unrevoke(request)).unwrap();
    assert_eq!(program.names().unwrap(), [WEB]);
}

#[test]
fn a_programs_certificate_is_renewed_by_nobody_on_the_network() {
    let (town, sidecar) = joined("workload_api: { socket: api.sock }");
    town.enter("web", &[&user()], OTHER);
    let program = town.program();
    let told = program.next(&mut program.svids().unwrap()).unwrap();
    let stolen = svid(vec![told.svids[0].x509_svid.clone()], &pair(&told.svids[0]));
    town.record_of("workload_attest");
    let told = refused(town.workload(&stolen).enrol(&key(), None));
    assert_eq!(
        told,
        "Unauthenticated: nothing was proved: the SVID that was shown is not one that this authority renews"
    );
    assert_eq!(
        town.records
            .next()
            .says(["event", "decision", "reason", "caller"]),
        format!("svid_issue deny svid_unknown {OTHER}")
    );
    // It is good for what it is for, and one that was proved there is renewed.
    town.workload(&stolen).follow().unwrap();
    town.workload(&sidecar).enrol(&key(), None).unwrap();
}

#[test]
fn a_program_whom_an_entry_with_places_has_named_is_in_its_groups() {
    let (town, sidecar) = joined("workload_api: { socket: api.sock }");
    let entry = rpc::Entry {
        id: "users".to_owned(),
        selectors: vec![user()],
        spiffe_id: "spiffe://mesh.example/user/{unix:uid}".to_owned(),
        groups: vec!["users".to_owned()],
        ..rpc::Entry::default()
    };
    let request = rpc::CreateEntryRequest { entry: Some(entry) };
    town.wait(town.operator().create_entry(request)).unwrap();
    let mut told = town.workload(&sidecar).follow().unwrap();
    let mut members = || {
        let state = town.wait(told.message()).unwrap().unwrap();
        let users = state.groups.into_iter().find(|group| group.name == "users");
        users.unwrap().members
    };
    assert_eq!(members(), [""; 0]);
    let names = town.program().names().unwrap();
    assert_eq!(members(), names);
}

impl Town {
    /// Revokes `what`. Its record may come after those of what came of it.
    fn revoke(&self, what: What) {
        let what = Some(what);
        let reason = "stolen".to_owned();
        let request = rpc::RevokeRequest { reason, what };
        self.wait(self.operator().revoke(request)).unwrap();
    }
}

fn delete(town: &Town, entry: &str) {
    let request = rpc::DeleteEntryRequest {
        id: entry.to_owned(),
    };
    town.wait(town.operator().delete_entry(request)).unwrap();
}

/// The key that was given with a certificate.
pub(crate) fn pair(told: &X509svid) -> KeyPair {
    KeyPair::try_from(told.x509_svid_key.as_slice()).unwrap()
}

fn names(svids: &[X509svid]) -> Vec<&str> {
    svids.iter().map(|svid| svid.spiffe_id.as_str()).collect()
}

fn gid() -> String {
    format!("unix:gid:{}", rustix::process::getegid().as_raw())
}

const WEB: &str = "spiffe://mesh.example/web";
const OTHER: &str = "spiffe://mesh.example/other";
