ALTER TABLE signing_key ADD COLUMN sealed_jwt_key TEXT NOT NULL DEFAULT '';
