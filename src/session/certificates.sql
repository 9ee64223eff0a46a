CREATE TABLE web_certificate (
    directory TEXT NOT NULL,
    host TEXT NOT NULL,
    sealed TEXT NOT NULL,
    answer TEXT NOT NULL,
    due_s BIGINT NOT NULL,
    renew_s BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    why TEXT NOT NULL,
    claim TEXT NOT NULL,
    claimed_until_s BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (directory, host)
);

CREATE INDEX web_certificate_version ON web_certificate (directory, version);

CREATE TABLE web_order (
    directory TEXT NOT NULL,
    host TEXT NOT NULL,
    at_s BIGINT NOT NULL
);

CREATE INDEX web_order_at ON web_order (directory, at_s);
