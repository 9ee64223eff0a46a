CREATE TABLE foreign_bundle (
    trust_domain TEXT PRIMARY KEY,
    terms TEXT NOT NULL,
    document TEXT NOT NULL,
    fetched_at_s BIGINT NOT NULL
);
