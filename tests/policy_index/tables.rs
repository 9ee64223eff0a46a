//! What sets and requests are made of, here and in the fuzz target.

pub(crate) const EFFECTS: [&str; 3] = ["permit", "permit", "forbid"];

pub(crate) const PRINCIPALS: [&str; 19] = [
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
    "principal is Anonymous",
    "principal == Anonymous::\"anonymous\"",
    "principal == User::\"corp/alice\"",
    "principal in Group::\"corp/ops\"",
    "principal is User in Group::\"corp/a/b\"",
    "principal in Group::\"other/ops\"",
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

pub(crate) const CONDITIONS: [&str; 27] = [
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
    "unless { context has tls && context.tls.group == \"X25519MLKEM768\" }",
    "when { context has tls && context.tls.notAfter.durationSince(context.now) > duration(\"1h\") }",
    "when { context.signals has risk && context.signals.risk > 5 }",
    "unless { context.signals has risk && context.signals.risk == 9 }",
    "when { context.query.contains(\"q\") }",
    "when { principal is User && principal in [Group::\"corp/ops\", Group::\"other/ops\"] }",
    "unless { principal is User && principal in Group::\"corp/dev\" }",
    "when { principal is User && principal has email && principal.email like \"*@corp.example\" && principal.emailVerified }",
    "unless { principal is User && principal.amr.contains(\"otp\") }",
    "when { context has authAge && context.authAge <= 60 }",
    "unless { principal is User && principal has authenticatedAt && principal.authenticatedAt < context.now }",
    "when { principal is User && principal.roles.contains(\"admin\") }",
    "unless { principal is User && principal.claims has level && principal.claims.level > 2 }",
    "when { context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) }",
];

/// What conditions are made of; each is valid by itself.
pub(crate) const ATOMS: [&str; 83] = [
    "true",
    "context.path like \"/users/*\"",
    "context.path like \"*e*/m*\"",
    "context.path like \"*\"",
    "context.path like \"/me\"",
    "context.path == \"/users/me\"",
    "\"/me\" != context.path",
    "context.method == \"GET\"",
    "[\"GET\", \"PURGE\"].contains(context.method)",
    "context.host == \"h\"",
    "context.host == context.path",
    "context.headers has \"x-a\"",
    "context has params.id",
    "(context.headers has \"x-a\" && context.headers[\"x-a\"] == \"1\")",
    "(context has params.id && context.params.id like \"m?*\")",
    "(context.params has id && context.params.id == \"me\")",
    "(context.params has id && context.params.id == context.path)",
    "(context.params has any && [\"users\", \"me\"].contains(context.params.any))",
    "context.utc.minuteOfDay < 2",
    "context.utc.minuteOfDay <= 1",
    "context.zone.weekday > 3",
    "context.zone.weekday >= 4",
    "[1, 4, 5].contains(context.utc.weekday)",
    "context.utc.date == 19700101",
    "context.utc.date != 19700101",
    "(context.zone.minuteOfDay - context.utc.minuteOfDay) * 2 + 1 > 1080",
    "-context.utc.weekday < -3",
    "context.utc.minuteOfDay * 9223372036854775807 > 0",
    "context.utc.minuteOfDay + 9223372036854775807 > 0",
    "context.now < datetime(\"2026-01-01\")",
    "context.now >= datetime(\"1970-01-01T00:02:00Z\")",
    "context.now == datetime(\"1970-01-01T15:00:00.000Z\")",
    "context.now.toTime() < duration(\"1m30s\")",
    "context.now.toDate() == datetime(\"1970-01-01\")",
    "context.sourceIp.isInRange(ip(\"10.0.0.0/8\"))",
    "context.sourceIp.isInRange(ip(\"2001:db8::/32\"))",
    "context.sourceIp == ip(\"192.0.2.7\")",
    "context.sourceIp == ip(\"192.0.2.0/24\")",
    "context.sourceIp.isIpv4()",
    "context.sourceIp.isIpv6()",
    "ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))",
    "ip(\"10.0.0.1\") == ip(\"10.0.0.2\")",
    "ip(\"::1\").isIpv4()",
    "datetime(\"1970-01-01T09:00:00Z\").toTime() < duration(\"8h\")",
    "datetime(\"1970-01-01T09:00:00Z\").toDate() == datetime(\"1970-01-01\")",
    "context.sourceIp.isLoopback()",
    "context.query.contains(\"q\")",
    "context has tls",
    "(context has tls && context.tls.group == \"X25519MLKEM768\")",
    "(context has tls && context.tls.serial == \"0a\")",
    "(context has tls && context.tls.notAfter.durationSince(context.now) > duration(\"1h\"))",
    "(context has tls && context.tls.notBefore.offset(duration(\"1m\")) > context.now)",
    "principal is User",
    "(principal is User && principal in Group::\"corp/ops\")",
    "(principal is User && principal == User::\"corp/alice\")",
    "(principal is User && principal.emailVerified)",
    "(principal is User && principal has email && principal.email == \"a@corp.example\")",
    "(principal is User && principal has acr && principal.acr == \"gold\")",
    "(principal is User && principal.amr.contains(\"otp\"))",
    "context.signals has risk",
    "(context has signals.risk && context.signals.risk * 2 == 14)",
    "(context.signals has site && context.signals.site like \"v*\")",
    "(context.signals has tags && context.signals.tags.contains(\"x\"))",
    "(context.signals has safe && context.signals.safe)",
    "(principal is User && principal has claims.team && principal.claims.team == \"it\")",
    "(principal is User && principal.claims has staff && principal.claims.staff)",
    "(principal is User && principal.claims has tags && principal.claims.tags.contains(\"x\"))",
    "(principal is User && principal has roles && principal has claims && !(principal has email))",
    "(principal is User && context.now.durationSince(if principal has authenticatedAt then principal.authenticatedAt else context.now) > duration(\"1m\"))",
    "context has authAge",
    "(context has authAge && context.authAge < 60)",
    "(principal is User && principal has authenticatedAt && principal.authenticatedAt == datetime(\"1970-01-01\"))",
    "(principal is User && principal.roles.contains(\"admin\"))",
    "(principal is User && principal.claims has level && principal.claims.level == 3)",
    "principal is Workload",
    "(principal is Workload && principal in WorkloadGroup::\"g\")",
    "(principal is Workload in Namespace::\"td/a\")",
    "(principal is Workload && principal has ns && principal.ns == \"a\")",
    "(principal is Workload && principal.trustDomain == \"td\")",
    "resource in [Route::\"s:/users/{id}\", Route::\"t:/{any}\"]",
    "resource is Service",
    "action in [Action::\"write\", Action::\"GET\"]",
    "action in [Action::\"read\", Action::\"GET\"]",
];

/// About nobody: they bring the parameters that conditions name.
pub(crate) const ROUTES: [&str; 2] = [
    "permit(principal is User, action, resource in Route::\"s:/users/{id}\");",
    "permit(principal is User, action, resource in Route::\"t:/{any}\");",
];

/// With what they are in. Persons twice: at two sign-ins, and of two providers.
pub(crate) const CALLERS: [(&str, &[&str]); 9] = [
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
    (
        "corp/alice",
        &["Group:corp/ops", "Group:corp/a/b", "Group:corp/unnamed"],
    ),
    ("corp/alice", &["Group:corp/dev"]),
    ("corp/bob", &[]),
    ("other/alice", &["Group:other/ops"]),
    ("anonymous", &[]),
];

/// What their provider says of each beside groups: the address, whether it is
/// verified, the method, how well they are known, roles, a claim, and when they
/// have signed in.
pub(crate) const PERSONS: [Facts; 9] = [
    Facts::NOTHING,
    Facts::NOTHING,
    Facts::NOTHING,
    Facts::NOTHING,
    Facts {
        email: Some("a@corp.example"),
        email_verified: true,
        amr: &["otp", "pwd"],
        acr: Some("gold"),
        roles: &["admin"],
        level: Some(3),
        signed_in: Some(60),
    },
    Facts {
        email: Some("a@corp.example"),
        email_verified: false,
        amr: &["pwd"],
        acr: None,
        roles: &[],
        level: Some(2),
        signed_in: None,
    },
    Facts::NOTHING,
    Facts {
        email: Some("a@other.example"),
        email_verified: true,
        amr: &[],
        acr: Some("silver"),
        roles: &["user"],
        level: None,
        signed_in: Some(0),
    },
    Facts::NOTHING,
];

/// What is known of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) email: Option<&'static str>,
    pub(crate) email_verified: bool,
    pub(crate) amr: &'static [&'static str],
    pub(crate) acr: Option<&'static str>,
    pub(crate) roles: &'static [&'static str],
    /// A declared claim. Where it is there, so are the others.
    pub(crate) level: Option<i64>,
    /// When, in seconds since 1970.
    pub(crate) signed_in: Option<u64>,
}

impl Facts {
    const NOTHING: Self = Self {
        email: None,
        email_verified: false,
        amr: &[],
        acr: None,
        roles: &[],
        level: None,
        signed_in: None,
    };
}

pub(crate) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "PURGE", CONNECT];
/// Stands for a TCP connection, which has neither method nor path.
pub(crate) const CONNECT: &str = "connect";
pub(crate) const QUERIES: [Option<&str>; 3] = [None, Some("a=q"), Some("a&q=1")];
pub(crate) const HEADERS: [Option<&str>; 3] = [None, Some("1"), Some("2")];
pub(crate) const GROUPS: [Option<&str>; 3] = [None, Some("X25519"), Some("X25519MLKEM768")];
pub(crate) const MINUTES: [u64; 5] = [0, 1, 2, 900, 60 * 24 * 366 * 56];
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
    pub(crate) query: Option<&'static str>,
    pub(crate) minute: u64,
    pub(crate) source: &'static str,
    /// The group of the key exchange; none: no TLS.
    pub(crate) tls: Option<&'static str>,
}
