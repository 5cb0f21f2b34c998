-- Operators: their own sessions, their second factors, and what they changed and saw.
CREATE TABLE IF NOT EXISTS access_log (
    access_log_id BIGINT UNSIGNED NOT NULL COMMENT '접속 기록 번호' AUTO_INCREMENT,
    user_id BIGINT UNSIGNED NOT NULL COMMENT '운영자의 회원 번호',
    signup_id VARCHAR(64) NOT NULL COMMENT '운영자의 아이디',
    address VARCHAR(45) NOT NULL COMMENT '접속 주소',
    subject VARCHAR(2000) NOT NULL COMMENT '누구의 정보인지: 주문번호들',
    what VARCHAR(200) NOT NULL COMMENT '무엇을 보았는지',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_access_log PRIMARY KEY (access_log_id),
    KEY ix_access_log_created_at (created_at)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='개인정보 접속 기록' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
    audit_log_id BIGINT UNSIGNED NOT NULL COMMENT '변경 기록 번호' AUTO_INCREMENT,
    user_id BIGINT UNSIGNED COMMENT '운영자의 회원 번호, 명령줄은 NULL',
    signup_id VARCHAR(64) NOT NULL COMMENT '운영자의 아이디, 또는 명령줄의 계정',
    address VARCHAR(45) NOT NULL COMMENT '접속 주소',
    action VARCHAR(40) NOT NULL COMMENT '무엇을 했는지',
    subject VARCHAR(200) NOT NULL COMMENT '무엇에 대해',
    detail VARCHAR(500) NOT NULL COMMENT '어떻게',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_audit_log PRIMARY KEY (audit_log_id),
    KEY ix_audit_log_created_at (created_at)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자의 변경 기록' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operators (
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    failures INTEGER NOT NULL COMMENT '잇달아 틀린 인증 코드의 수',
    open_at DATETIME(6) COMMENT '다음 인증 코드를 받는 때 (UTC)',
    disabled_at DATETIME(6) COMMENT '운영자에서 뺀 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_operators PRIMARY KEY (user_id),
    CONSTRAINT fk_operators_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_sessions (
    token_hash VARCHAR(64) NOT NULL COMMENT '세션 토큰의 SHA-256',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    epoch INTEGER NOT NULL COMMENT '로그인할 때의 session_epoch',
    address VARCHAR(45) NOT NULL COMMENT '접속 주소',
    user_agent VARCHAR(255) NOT NULL COMMENT '브라우저 이름',
    challenges INTEGER NOT NULL COMMENT '쓰고 버린 패스키 문제의 수',
    proved_at DATETIME(6) COMMENT '마지막으로 2단계 인증한 때 (UTC)',
    last_seen_at DATETIME(6) NOT NULL COMMENT '마지막 요청 (UTC)',
    expires_at DATETIME(6) NOT NULL COMMENT '절대 만료 (UTC)',
    ended_at DATETIME(6) COMMENT '로그아웃한 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_operator_sessions PRIMARY KEY (token_hash),
    CONSTRAINT fk_operator_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_operator_sessions_expires_at (expires_at),
    KEY ix_operator_sessions_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자 세션' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_factors (
    operator_factor_id BIGINT UNSIGNED NOT NULL COMMENT '인증 수단 번호' AUTO_INCREMENT,
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    kind VARCHAR(8) NOT NULL COMMENT 'totp 또는 passkey',
    label VARCHAR(60) NOT NULL COMMENT '운영자가 붙인 이름',
    secret VARCHAR(255) COMMENT 'totp: 암호화한 비밀 값',
    last_step BIGINT COMMENT 'totp: 마지막으로 쓴 코드의 시각 번호',
    credential_hash VARCHAR(64) COMMENT 'passkey: 자격 증명 ID의 SHA-256',
    credential_id TEXT COMMENT 'passkey: 자격 증명 ID',
    public_key TEXT COMMENT 'passkey: 공개 키',
    sign_count BIGINT COMMENT 'passkey: 서명 횟수',
    used_at DATETIME(6) COMMENT '마지막으로 쓴 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_operator_factors PRIMARY KEY (operator_factor_id),
    CONSTRAINT uq_operator_factors_credential_hash UNIQUE (credential_hash),
    CONSTRAINT fk_operator_factors_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_operator_factors_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자의 2단계 인증 수단' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_recovery_codes (
    code_hash VARCHAR(64) NOT NULL COMMENT '복구 코드의 SHA-256',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    batch VARCHAR(32) NOT NULL COMMENT '함께 만든 코드의 표',
    used_at DATETIME(6) COMMENT '쓴 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_operator_recovery_codes PRIMARY KEY (code_hash),
    CONSTRAINT fk_operator_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_operator_recovery_codes_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자의 복구 코드' COLLATE utf8mb4_bin;

INSERT IGNORE INTO operators (user_id, failures, open_at, disabled_at, created_at, updated_at)
    SELECT user_id, 0, NULL, NULL, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM users WHERE role = 'operator';
