CREATE TABLE device_grant (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    sealed TEXT NOT NULL,
    interval_s BIGINT NOT NULL,
    next_s BIGINT NOT NULL,
    until_s BIGINT NOT NULL
);

CREATE INDEX device_grant_source ON device_grant (source);
