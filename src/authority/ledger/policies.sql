CREATE TABLE policy_set (
    version BIGINT PRIMARY KEY,
    revision TEXT NOT NULL,
    digest TEXT NOT NULL,
    document TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at_s BIGINT NOT NULL
);

ALTER TABLE entry ADD COLUMN member_of TEXT NOT NULL DEFAULT '';

CREATE INDEX issued_by_entry ON issued (entry);
