//! Policies that sidecars get from the authority.

use std::fs;

use crate::authority::load::Two;
use crate::authority::town::Town;
use crate::authority::town::until;
use crate::stage::Sidecar;

#[test]
fn a_set_reaches_the_sidecars_and_an_edit_decides_the_next_request() {
    let town = town();
    assert_eq!(
        town.record_of("policy_publish")
            .says(["decision", "operator", "version", "reason"]),
        "permit folder 1 "
    );
    let two = Two::join(&town);
    two.pass();
    for sidecar in [&two.orders, &two.web] {
        sidecar.says("/status", "\"version\":1,");
    }
    town.says("/status", "\"version\":1,");
    town.shows("portreeve_authority_policy_version 1");

    rule(&town, &permit("somebody"));
    until(|| two.request().0.status() == 403);
    let record = town.record_of("policy_publish");
    assert_eq!(record.says(["decision", "version"]), "permit 2");
    two.web.says("/status", &record.text("revision"));

    rule(&town, &permit("web"));
    until(|| two.request().0.status() == 200);
    two.show("portreeve_policy_loads_total{outcome=\"refused\"} 0");
    town.says("/status", "\"version\":3,");
}

#[test]
fn a_mistake_is_refused_at_the_authority_and_the_old_set_stays() {
    let town = town();
    town.record_of("policy_publish");
    let two = Two::join(&town);
    two.pass();
    rule(
        &town,
        "@id(\"a\")\npermit (principal, action, resource in Service::\"ordres\");",
    );
    town.shows("portreeve_authority_policy_load_failures_total 1");
    let record = town.record_of("policy_publish");
    let told = record.says(["decision", "version", "reason"]);
    assert!(told.starts_with("refused  mesh.cedar:2:"), "{told}");
    assert!(told.contains("ordres"), "{told}");
    town.says("/status", "mesh.cedar:2:");
    two.pass();
    two.show("portreeve_policy_loads_total{outcome=\"loaded\"} 1");
    town.shows("portreeve_authority_policy_version 1");

    rule(&town, &permit("somebody"));
    until(|| two.request().0.status() == 403);
    let record = town.record_of("policy_publish");
    assert_eq!(record.says(["decision", "version"]), "permit 2");
    town.shows("portreeve_authority_policy_load_failures_total 1");
    assert!(!town.window("/status").contains("mesh.cedar"));
}

#[test]
fn a_sidecar_whose_service_the_words_do_not_have_takes_the_set_all_the_same() {
    let town = with_policies(
        &permit("web"),
        "policy: { dir: policies, services: { billing: {} } }",
    );
    // The authority does not know `orders`, and so refuses what names it.
    let record = town.record_of("policy_publish");
    assert_eq!(record.text("decision"), "refused");
    rule(
        &town,
        "@id(\"all\") permit (principal, action in Action::\"read\", resource);",
    );
    let record = town.record_of("policy_publish");
    assert_eq!(record.says(["decision", "version"]), "permit 1");
    let two = Two::join(&town);
    two.pass();
}

#[test]
fn without_a_set_a_sidecar_does_not_start_and_says_what_to_do() {
    let mut town = Town::new();
    town.policy = "from_authority: true".to_owned();
    let proof = town.by_token("web");
    let told = town.failure_of_web(&proof);
    assert!(told.contains("the authority gives no policies"), "{told}");
    assert!(told.contains("`policy` section"), "{told}");
}

#[test]
fn a_sidecar_begins_with_what_it_has_kept_while_the_authority_is_away() {
    let mut town = town();
    let two = Two::with(&town, keeping(&town));
    two.pass();
    rule(&town, &permit("somebody"));
    until(|| two.request().0.status() == 403);
    two.web.says("/status", "\"version\":2,");
    two.orders.says("/status", "\"version\":2,");
    until(|| {
        [ORDERS_STATE, WEB_STATE]
            .iter()
            .all(|state| kept(&town, state) == 2)
    });
    town.stop();
    let Two { orders, web } = two;
    orders.stop();
    web.stop();
    let two = Two::with(&town, KEEPING.map(str::to_owned));
    assert_eq!(two.request().1, "deny 403 no_permit");
    two.web.says("/status", "\"version\":2,");

    // When it is back, what has been written meanwhile decides.
    rule(&town, &permit("web"));
    town.start();
    until(|| two.request().0.status() == 200);
}

#[test]
fn an_earlier_set_is_published_once_more_and_the_folder_does_not_undo_that() {
    use tonic::Code;

    let mut town = town();
    let first = town.record_of("policy_publish").text("revision");
    let two = Two::with(&town, keeping(&town));
    two.pass();
    rule(&town, &permit("somebody"));
    let second = town.record_of("policy_publish").text("revision");
    until(|| two.request().0.status() == 403);

    for (revision, why) in [
        ("", Code::InvalidArgument),
        ("1234567", Code::InvalidArgument),
        ("nothing-like-it", Code::InvalidArgument),
        (&second[..8], Code::FailedPrecondition),
        (&"0".repeat(64), Code::NotFound),
    ] {
        assert_eq!(roll_back(&town, revision), Err(why), "{revision}");
        let record = town.record_of("policy_rollback");
        assert_eq!(record.text("decision"), "refused");
    }
    assert_eq!(two.request().0.status(), 403);

    assert_eq!(
        roll_back(&town, &first[..8].to_uppercase()),
        Ok((3, first.clone()))
    );
    let record = town.record_of("policy_rollback");
    assert_eq!(
        record.says(["decision", "version", "revision"]),
        format!("permit 3 {first}")
    );
    until(|| two.request().0.status() == 200);
    two.web.says("/status", "\"version\":3,");

    // The folder still has what was taken back, also when it is read anew.
    town.stop();
    town.start();
    town.says("/status", "\"version\":3,");
    two.pass();
    assert_eq!(roll_back(&town, &second[..8]), Ok((4, second)));
    until(|| two.request().0.status() == 403);
    assert_eq!(roll_back(&town, &first), Ok((5, first)));
    until(|| two.request().0.status() == 200);
    // What is new in the folder is published.
    rule(&town, &permit("nobody"));
    until(|| two.request().0.status() == 403);
    let record = town.record_of("policy_publish");
    assert_eq!(record.says(["decision", "version"]), "permit 6");
}

/// Orders the authority back to a revision.
fn roll_back(town: &Town, revision: &str) -> Result<(u64, String), tonic::Code> {
    let mut operator = town.operator();
    let revision = revision.to_owned();
    let ordered =
        operator.roll_back_policy(portreeve::rpc::authority::RollBackPolicyRequest { revision });
    let done = town.wait(ordered).map_err(|status| status.code())?;
    let done = done.into_inner();
    Ok((done.version, done.revision))
}

#[test]
fn a_set_is_signed_anew_with_a_new_key_and_is_good_after_the_old_one_is_revoked() {
    use portreeve::rpc::authority::rotate_request::Step;

    use crate::authority::steps::rotate;

    let mut town = town();
    let two = Two::with(&town, keeping(&town));
    two.pass();
    rotate(&town, Step::Prepare).unwrap();
    two.show("portreeve_identity_renewals_total 1");
    rotate(&town, Step::Activate).unwrap();
    rotate(&town, Step::Taint).unwrap();
    two.show("portreeve_identity_renewals_total 2");
    rotate(&town, Step::Revoke).unwrap();
    let files = [
        "roots.pem",
        "orders-state/bundle.pem",
        "web-state/bundle.pem",
    ];
    until(|| {
        let roots = files.map(|file| fs::read_to_string(town.path(file)).unwrap());
        roots
            .iter()
            .all(|text| text.matches("BEGIN").count() == 1 && *text == roots[0])
    });
    two.show("portreeve_policy_loads_total{outcome=\"refused\"} 0");
    let Two { orders, web } = two;
    orders.stop();
    web.stop();
    town.stop();
    // Nobody can be asked, and only the new root is believed.
    Two::with(&town, KEEPING.map(str::to_owned)).pass();
}

#[test]
fn an_older_set_is_taken_from_an_authority_whose_database_was_put_back() {
    let mut town = town();
    let two = Two::with(&town, keeping(&town));
    two.pass();
    town.put_away();
    let copy = fs::read(town.path("authority.db")).unwrap();
    town.start();
    rule(&town, &permit("somebody"));
    until(|| two.request().0.status() == 403);
    town.put_away();
    fs::write(town.path("authority.db"), copy).unwrap();
    rule(&town, &permit("web"));
    town.start();
    town.shows("portreeve_authority_followers 2");
    let has_the_first = |sidecar: &Sidecar| sidecar.window("/status").contains("\"version\":1,");
    // `web` is told so with its next certificate, and begins with what it has kept.
    let Two { orders, web } = two;
    town.pass(2000);
    let to = orders.inbound();
    web.stop();
    let web = town.web(to, KEEPING[1]);
    // It is believed when it sticks to it.
    for sidecar in [&orders, &web] {
        until(|| has_the_first(sidecar));
    }
    Two { orders, web }.pass();
}

/// A town with policies that let `web` call `orders`.
pub(crate) fn town() -> Town {
    with_policies(&permit("web"), WORDS)
}

/// A town with these policies.
pub(crate) fn with_policies(policy: &str, words: &str) -> Town {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/mesh.cedar"), policy).unwrap();
    let mut town = Town::on(folder, words);
    town.policy = "from_authority: true".to_owned();
    town
}

/// Puts `policy` in force, or will once it is looked at.
pub(crate) fn rule(town: &Town, policy: &str) {
    fs::write(town.path("policies/next"), policy).unwrap();
    fs::rename(town.path("policies/next"), town.path("policies/mesh.cedar")).unwrap();
}

pub(crate) fn permit(name: &str) -> String {
    format!(
        "@id(\"one-calls-orders\") permit (principal == Workload::\"spiffe://mesh.example/{name}\", action, resource in Service::\"orders\");"
    )
}

/// How both prove themselves, with folders for what they are given.
pub(crate) fn keeping(town: &Town) -> [String; 2] {
    for name in ["orders", "web"] {
        town.by_token(name);
    }
    KEEPING.map(str::to_owned)
}

/// The version of the set that is kept in `state`; 0 for none.
fn kept(town: &Town, state: &str) -> u64 {
    use prost::Message as _;

    let bytes = fs::read(town.path(state).join("policy.pb")).unwrap_or_default();
    portreeve::rpc::authority::PolicySet::decode(bytes.as_slice())
        .unwrap()
        .version
}

pub(crate) const WORDS: &str = "policy: { dir: policies, services: { orders: {} } }";

pub(crate) const KEEPING: [&str; 2] = [
    "join_token_file: orders.token, state_dir: orders-state",
    "join_token_file: web.token, state_dir: web-state",
];

const ORDERS_STATE: &str = "orders-state";
const WEB_STATE: &str = "web-state";
