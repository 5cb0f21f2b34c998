-- Operators: their own sessions, their second factors, and what they changed and saw.
CREATE TABLE IF NOT EXISTS access_log (
    access_log_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    signup_id VARCHAR(64) NOT NULL,
    address VARCHAR(45) NOT NULL,
    subject VARCHAR(2000) NOT NULL,
    what VARCHAR(200) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_access_log PRIMARY KEY (access_log_id)
);
CREATE INDEX IF NOT EXISTS ix_access_log_created_at ON access_log (created_at);

CREATE TABLE IF NOT EXISTS audit_log (
    audit_log_id INTEGER NOT NULL,
    user_id INTEGER,
    signup_id VARCHAR(64) NOT NULL,
    address VARCHAR(45) NOT NULL,
    action VARCHAR(40) NOT NULL,
    subject VARCHAR(200) NOT NULL,
    detail VARCHAR(500) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (audit_log_id)
);
CREATE INDEX IF NOT EXISTS ix_audit_log_created_at ON audit_log (created_at);

CREATE TABLE IF NOT EXISTS operators (
    user_id INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    open_at DATETIME,
    disabled_at DATETIME,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_operators PRIMARY KEY (user_id),
    CONSTRAINT fk_operators_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);

CREATE TABLE IF NOT EXISTS operator_sessions (
    token_hash VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    address VARCHAR(45) NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    challenges INTEGER NOT NULL,
    proved_at DATETIME,
    last_seen_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    ended_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_operator_sessions PRIMARY KEY (token_hash),
    CONSTRAINT fk_operator_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_operator_sessions_expires_at ON operator_sessions (expires_at);
CREATE INDEX IF NOT EXISTS ix_operator_sessions_user_id ON operator_sessions (user_id);

CREATE TABLE IF NOT EXISTS operator_factors (
    operator_factor_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    label VARCHAR(60) NOT NULL,
    secret VARCHAR(255),
    last_step BIGINT,
    credential_hash VARCHAR(64),
    credential_id TEXT,
    public_key TEXT,
    sign_count BIGINT,
    used_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_operator_factors PRIMARY KEY (operator_factor_id),
    CONSTRAINT uq_operator_factors_credential_hash UNIQUE (credential_hash),
    CONSTRAINT fk_operator_factors_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_operator_factors_user_id ON operator_factors (user_id);

CREATE TABLE IF NOT EXISTS operator_recovery_codes (
    code_hash VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    batch VARCHAR(32) NOT NULL,
    used_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_operator_recovery_codes PRIMARY KEY (code_hash),
    CONSTRAINT fk_operator_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_operator_recovery_codes_user_id ON operator_recovery_codes (user_id);

INSERT OR IGNORE INTO operators (user_id, failures, open_at, disabled_at, created_at, updated_at)
    SELECT user_id, 0, NULL, NULL, strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now')
    FROM users WHERE role = 'operator';
