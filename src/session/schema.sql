CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    handle TEXT NOT NULL,
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    sid TEXT NOT NULL,
    sealed TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    id_token TEXT NOT NULL,
    created_s BIGINT NOT NULL,
    last_used_s BIGINT NOT NULL,
    good_until_s BIGINT NOT NULL,
    ends_s BIGINT NOT NULL,
    claim TEXT NOT NULL,
    claimed_until_s BIGINT NOT NULL,
    version BIGINT NOT NULL,
    why TEXT NOT NULL,
    ended_s BIGINT NOT NULL
);

CREATE INDEX session_version ON session (version);
CREATE INDEX session_subject ON session (provider, subject);
CREATE INDEX session_sid ON session (provider, sid);

CREATE TABLE spent (
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    until_s BIGINT NOT NULL,
    PRIMARY KEY (kind, digest)
);

CREATE TABLE seal (
    sealed TEXT NOT NULL
);
CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL
);
