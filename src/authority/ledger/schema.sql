CREATE TABLE signing_key (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    certificate TEXT NOT NULL,
    sealed_key TEXT NOT NULL
);

CREATE TABLE entry (
    name TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    selectors TEXT NOT NULL,
    spiffe_id TEXT NOT NULL,
    svid_ttl_s BIGINT NOT NULL
);

CREATE TABLE join_token (
    digest TEXT PRIMARY KEY,
    entry TEXT NOT NULL,
    expires_at_s BIGINT NOT NULL,
    used_by TEXT
);

CREATE TABLE issued (
    serial TEXT PRIMARY KEY,
    entry TEXT NOT NULL,
    spiffe_id TEXT NOT NULL,
    selectors TEXT NOT NULL,
    not_after_s BIGINT NOT NULL
);

CREATE INDEX issued_by_end ON issued (not_after_s);

CREATE TABLE revocation (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_s BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);
