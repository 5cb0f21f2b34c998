-- Confirmed e-mail addresses, mailed links, and the day a session was last used.
CREATE TABLE IF NOT EXISTS account_links (
    token_hash VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    email VARCHAR(255) NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_account_links PRIMARY KEY (token_hash),
    CONSTRAINT fk_account_links_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_account_links_expires_at ON account_links (expires_at);
CREATE INDEX IF NOT EXISTS ix_account_links_user_id_purpose ON account_links (user_id, purpose);

ALTER TABLE users ADD COLUMN email_confirmed_at DATETIME;
CREATE INDEX IF NOT EXISTS ix_users_email ON users (email);
ALTER TABLE sessions ADD COLUMN used_at DATETIME;
