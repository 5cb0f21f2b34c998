-- Confirmed e-mail addresses, mailed links, and the day a session was last used.
-- A change that MySQL has committed before the process died is not made again.
CREATE TABLE IF NOT EXISTS account_links (
    token_hash VARCHAR(64) NOT NULL COMMENT '링크 토큰의 SHA-256',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    purpose VARCHAR(16) NOT NULL COMMENT 'reset 또는 email',
    email VARCHAR(255) NOT NULL COMMENT '링크를 보낸 주소',
    expires_at DATETIME(6) NOT NULL COMMENT '만료 (UTC)',
    used_at DATETIME(6) COMMENT '쓴 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_account_links PRIMARY KEY (token_hash),
    CONSTRAINT fk_account_links_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_account_links_expires_at (expires_at),
    KEY ix_account_links_user_id_purpose (user_id, purpose)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='메일로 보낸 링크' COLLATE utf8mb4_bin;

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'email_confirmed_at'
    ),
    'DO 0',
    'ALTER TABLE users
        ADD COLUMN email_confirmed_at DATETIME(6) COMMENT ''이메일을 확인한 때 (UTC)'',
        ADD KEY ix_users_email (email)'
);
PREPARE change_ FROM @change;
EXECUTE change_;
DEALLOCATE PREPARE change_;

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sessions' AND column_name = 'used_at'
    ),
    'DO 0',
    'ALTER TABLE sessions
        ADD COLUMN used_at DATETIME(6) COMMENT ''마지막으로 쓴 날 (UTC), 하루에 한 번 적음'''
);
PREPARE change_ FROM @change;
EXECUTE change_;
DEALLOCATE PREPARE change_;
