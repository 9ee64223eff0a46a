//! What sets and requests are made of.

use proptest::prelude::*;

pub(crate) const PRINCIPALS: [&str; 13] = [
    "principal",
    "principal",
    "principal",
    "principal",
    "principal is Workload",
    "principal == Workload::\"spiffe://td/ns/a/sa/x\"",
    "principal == Workload::\"spiffe://td/ns/b/sa/y\"",
    "principal in Namespace::\"td/a\"",
    "principal is Workload in Namespace::\"td/b\"",
    "principal in TrustDomain::\"td\"",
    "principal in WorkloadGroup::\"g\"",
    "principal is User",
    "principal in Workload::\"spiffe://other/plain\"",
];

pub(crate) const ACTIONS: [&str; 10] = [
    "action",
    "action",
    "action",
    "action == Action::\"GET\"",
    "action == Action::\"otherMethod\"",
    "action in Action::\"read\"",
    "action in Action::\"http\"",
    "action in [Action::\"POST\", Action::\"read\"]",
    "action in Action::\"write\"",
    "action == Action::\"connect\"",
];

pub(crate) const RESOURCES: [&str; 12] = [
    "resource",
    "resource",
    "resource",
    "resource in Service::\"s\"",
    "resource in Service::\"t\"",
    "resource is Route in Service::\"s\"",
    "resource is Service",
    "resource in RouteGroup::\"api\"",
    "resource in Route::\"s:/users/{id}\"",
    "resource in Route::\"s:/users/me\"",
    "resource in Route::\"s:/users/**\"",
    "resource in Route::\"t:/{any}\"",
];

pub(crate) const CONDITIONS: [&str; 14] = [
    "",
    "",
    "",
    "when { context.path like \"/users/*\" }",
    "when { context.method == \"PURGE\" && context.host == \"h\" }",
    "unless { context.headers has \"x-a\" && context.headers[\"x-a\"] == \"1\" }",
    "when { context.params has id && context.params.id == \"me\" }",
    "when { principal is Workload && principal in WorkloadGroup::\"g\" }",
    "when { principal is Workload && principal has ns && principal.ns == \"a\" }",
    "when { resource in [Route::\"s:/users/{id}\", Route::\"s:/{any}\"] }",
    "when { action in Action::\"write\" }",
    "when { context.utc.minuteOfDay * 9223372036854775807 > 0 }",
    "unless { context.zone.weekday < 6 && context.now < datetime(\"2026-01-01T00:00:00Z\") }",
    "when { context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) }",
];

pub(crate) const CALLERS: [(&str, &[&str]); 4] = [
    (
        "spiffe://td/ns/a/sa/x",
        &["Namespace:td/a", "TrustDomain:td", "WorkloadGroup:g"],
    ),
    (
        "spiffe://td/ns/b/sa/y",
        &["Namespace:td/b", "TrustDomain:td"],
    ),
    (
        "spiffe://other/plain",
        &["TrustDomain:other", "WorkloadGroup:g"],
    ),
    ("spiffe://td/z", &["TrustDomain:td"]),
];

pub(crate) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "PURGE", CONNECT];
/// Stands for a TCP connection, which has neither method nor path.
pub(crate) const CONNECT: &str = "connect";
pub(crate) const PATHS: [&str; 7] = [
    "/",
    "/users",
    "/users/me",
    "/users/7",
    "/api/x",
    "/x/y/z",
    "/me",
];
pub(crate) const SOURCES: [&str; 5] = [
    "10.1.2.3",
    "10.1.2.3",
    "192.0.2.7",
    "2001:db8::5",
    "::ffff:10.9.9.9",
];
pub(crate) const SERVICES: [&str; 2] = ["s", "t"];

/// One request, by its places in the tables.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) caller: usize,
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) header: Option<&'static str>,
    pub(crate) minute: u64,
    pub(crate) source: &'static str,
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    (
        0..CALLERS.len(),
        prop::sample::select(SERVICES.to_vec()),
        prop::sample::select(METHODS.to_vec()),
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(vec![None, Some("1"), Some("2")]),
        prop::sample::select(vec![0, 1, 2, 900, 60 * 24 * 366 * 56]),
        prop::sample::select(SOURCES.to_vec()),
    )
        .prop_map(
            |(caller, service, method, path, header, minute, source)| Asked {
                caller,
                service,
                method,
                path,
                header,
                minute,
                source,
            },
        )
}
