-- Addresses that members save.
CREATE TABLE IF NOT EXISTS addresses (
    address_id BIGINT UNSIGNED NOT NULL COMMENT '배송지 번호(내부)' AUTO_INCREMENT,
    address_no VARCHAR(32) NOT NULL COMMENT '배송지 번호(주소에 쓰는 무작위 값)',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    recipient_name VARCHAR(255) NOT NULL COMMENT '받는 분',
    recipient_phone VARCHAR(11) NOT NULL COMMENT '받는 분 전화번호, 숫자만',
    postcode VARCHAR(5) NOT NULL COMMENT '우편번호',
    address1 VARCHAR(255) NOT NULL COMMENT '주소',
    address2 VARCHAR(255) NOT NULL COMMENT '상세 주소',
    default_slot SMALLINT COMMENT '기본 배송지는 1, 나머지는 NULL',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_addresses PRIMARY KEY (address_id),
    CONSTRAINT uq_addresses_address_no UNIQUE (address_no),
    CONSTRAINT uq_addresses_user_id_default_slot UNIQUE (user_id, default_slot),
    CONSTRAINT fk_addresses_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='회원이 저장한 배송지' COLLATE utf8mb4_bin;
