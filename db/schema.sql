-- 마당: 데이터베이스 스키마 (MySQL 8, MariaDB 10.11 이상)
--
-- 이 파일은 app/models에서 만듭니다. app/models를 고친 뒤 `python -m app schema`를 실행하십시오.
-- 빈 데이터베이스에 그대로 넣을 수 있습니다: mariadb 데이터베이스 < db/schema.sql
-- 금액은 원 단위 정수, 시각은 UTC이며 마이크로초까지, 글자는 utf8mb4이고 바이트 그대로 비교합니다.

SET NAMES utf8mb4;

CREATE TABLE access_log (
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

CREATE TABLE audit_log (
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

CREATE TABLE cart_heads (
    owner VARCHAR(80) NOT NULL COMMENT 'u:<회원 번호> 또는 g:<비회원 표>',
    last_stamp BIGINT NOT NULL COMMENT '마지막 변경의 도장 (마이크로초)',
    cleared_stamp BIGINT NOT NULL COMMENT '이 도장까지의 줄은 결제로 비워짐',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_cart_heads PRIMARY KEY (owner)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='장바구니 머리: 소유자마다 한 줄' COLLATE utf8mb4_bin;

CREATE TABLE outbox (
    outbox_id BIGINT UNSIGNED NOT NULL COMMENT '보낼 편지 번호' AUTO_INCREMENT,
    message_id VARCHAR(64) NOT NULL COMMENT '메시지 번호',
    type VARCHAR(64) NOT NULL COMMENT '메시지 종류, 라우팅 키',
    body MEDIUMTEXT NOT NULL COMMENT '봉투 전체, JSON',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_outbox PRIMARY KEY (outbox_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='커밋과 함께 남긴, 보낼 메시지' COLLATE utf8mb4_bin;

CREATE TABLE payment_comparisons (
    day VARCHAR(10) NOT NULL COMMENT '비교한 날 (한국)',
    differences INTEGER NOT NULL COMMENT '차이의 수',
    compared_at DATETIME(6) NOT NULL COMMENT '비교한 때 (UTC)',
    CONSTRAINT pk_payment_comparisons PRIMARY KEY (day)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='야간 대조를 마친 날' COLLATE utf8mb4_bin;

CREATE TABLE payment_differences (
    payment_difference_id BIGINT UNSIGNED NOT NULL COMMENT '차이 번호' AUTO_INCREMENT,
    fingerprint VARCHAR(64) NOT NULL COMMENT '내용의 SHA-256, 같은 차이는 한 번',
    day VARCHAR(10) NOT NULL COMMENT '비교한 날 (한국)',
    kind VARCHAR(32) NOT NULL COMMENT '차이의 종류',
    subject VARCHAR(200) NOT NULL COMMENT '무엇이 다른지: 결제 번호나 상품 번호',
    ours VARCHAR(100) NOT NULL COMMENT '우리 장부',
    theirs VARCHAR(100) NOT NULL COMMENT '토스의 장부, 또는 재고 원장',
    resolved_at DATETIME(6) COMMENT '다시 비교했을 때 사라진 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_payment_differences PRIMARY KEY (payment_difference_id),
    CONSTRAINT uq_payment_differences_fingerprint UNIQUE (fingerprint),
    KEY ix_payment_differences_day (day)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='야간 대조에서 나온 차이' COLLATE utf8mb4_bin;

CREATE TABLE products (
    product_id BIGINT UNSIGNED NOT NULL COMMENT '상품 번호' AUTO_INCREMENT,
    name VARCHAR(255) NOT NULL COMMENT '상품명',
    price BIGINT NOT NULL COMMENT '판매가 (원)',
    category VARCHAR(255) NOT NULL COMMENT '분류',
    country VARCHAR(255) NOT NULL COMMENT '원산지',
    manufacturer VARCHAR(255) NOT NULL COMMENT '제조사',
    quantity INTEGER NOT NULL COMMENT '재고 수량',
    description TEXT NOT NULL COMMENT '설명',
    list_price BIGINT COMMENT '정가 (원)',
    group_id BIGINT UNSIGNED COMMENT '같은 상품의 옵션을 묶는 번호',
    option_label VARCHAR(100) NOT NULL COMMENT '옵션 이름',
    image VARCHAR(255) NOT NULL COMMENT '그림 파일 이름',
    status VARCHAR(16) NOT NULL COMMENT 'on_sale 또는 hidden',
    version INTEGER NOT NULL COMMENT '바뀔 때마다 1 오름',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_products PRIMARY KEY (product_id),
    CONSTRAINT ck_products_quantity_not_negative CHECK (quantity >= 0),
    CONSTRAINT ck_products_price_not_negative CHECK (price >= 0),
    KEY ix_products_created_at_product_id (created_at, product_id),
    KEY ix_products_group_id (group_id),
    KEY ix_products_price_product_id (price, product_id),
    KEY ix_products_status_category_created_at_product_id (status, category, created_at, product_id),
    KEY ix_products_status_category_price_product_id (status, category, price, product_id),
    KEY ix_products_updated_at_product_id (updated_at, product_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='상품' COLLATE utf8mb4_bin;

CREATE TABLE schema_migrations (
    name VARCHAR(100) NOT NULL COMMENT 'db/migrations의 파일 이름',
    applied_at DATETIME(6) NOT NULL COMMENT '적용한 때 (UTC)',
    CONSTRAINT pk_schema_migrations PRIMARY KEY (name)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='적용한 스키마 변경' COLLATE utf8mb4_bin;

CREATE TABLE users (
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호' AUTO_INCREMENT,
    name VARCHAR(255) NOT NULL COMMENT '이름',
    phone VARCHAR(11) NOT NULL COMMENT '전화번호, 숫자만',
    signup_id VARCHAR(15) NOT NULL COMMENT '로그인 아이디',
    signup_password VARCHAR(255) NOT NULL COMMENT '비밀번호의 bcrypt 값',
    `role` VARCHAR(16) NOT NULL COMMENT 'shopper 또는 operator',
    email VARCHAR(255) COMMENT '이메일',
    consents VARCHAR(1000) NOT NULL COMMENT '동의한 약관과 판, JSON',
    session_epoch INTEGER NOT NULL COMMENT '올리면 모든 기기에서 로그아웃',
    password_changed_at DATETIME(6) NOT NULL COMMENT '비밀번호를 바꾼 때 (UTC)',
    closed_at DATETIME(6) COMMENT '탈퇴한 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    email_confirmed_at DATETIME(6) COMMENT '이메일을 확인한 때 (UTC)',
    CONSTRAINT pk_users PRIMARY KEY (user_id),
    CONSTRAINT uq_users_signup_id UNIQUE (signup_id),
    KEY ix_users_email (email)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='회원과 운영자' COLLATE utf8mb4_bin;

CREATE TABLE webhook_events (
    webhook_event_id BIGINT UNSIGNED NOT NULL COMMENT '웹훅 번호' AUTO_INCREMENT,
    fingerprint VARCHAR(64) NOT NULL COMMENT '본문의 SHA-256, 같은 것은 한 번',
    payment_no VARCHAR(64) COMMENT '본문이 말한 orderId, 믿지 않음',
    event_type VARCHAR(64) NOT NULL COMMENT '본문이 말한 종류',
    handled_at DATETIME(6) COMMENT '토스에 다시 물어 처리한 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_webhook_events PRIMARY KEY (webhook_event_id),
    CONSTRAINT uq_webhook_events_fingerprint UNIQUE (fingerprint),
    KEY ix_webhook_events_handled_at_webhook_event_id (handled_at, webhook_event_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='받은 웹훅' COLLATE utf8mb4_bin;

CREATE TABLE account_links (
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

CREATE TABLE addresses (
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

CREATE TABLE carts (
    cart_id BIGINT UNSIGNED NOT NULL COMMENT '장바구니 줄 번호' AUTO_INCREMENT,
    product_id BIGINT UNSIGNED NOT NULL COMMENT '상품 번호',
    user_id BIGINT UNSIGNED COMMENT '회원 번호, 비회원은 NULL',
    signup_id VARCHAR(15) COMMENT '로그인 아이디, 비회원은 NULL',
    quantity INTEGER NOT NULL COMMENT '수량, 0은 지운 줄',
    owner VARCHAR(80) NOT NULL COMMENT 'u:<회원 번호> 또는 g:<비회원 표>',
    stamp BIGINT NOT NULL COMMENT '이 줄을 바꾼 도장 (마이크로초)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_carts PRIMARY KEY (cart_id),
    CONSTRAINT uq_carts_owner_product_id UNIQUE (owner, product_id),
    CONSTRAINT ck_carts_quantity_not_negative CHECK (quantity >= 0),
    CONSTRAINT fk_carts_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_carts_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='장바구니 줄' COLLATE utf8mb4_bin;

CREATE TABLE operator_factors (
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

CREATE TABLE operator_recovery_codes (
    code_hash VARCHAR(64) NOT NULL COMMENT '복구 코드의 SHA-256',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    batch VARCHAR(32) NOT NULL COMMENT '함께 만든 코드의 표',
    used_at DATETIME(6) COMMENT '쓴 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_operator_recovery_codes PRIMARY KEY (code_hash),
    CONSTRAINT fk_operator_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_operator_recovery_codes_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자의 복구 코드' COLLATE utf8mb4_bin;

CREATE TABLE operator_sessions (
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

CREATE TABLE operators (
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    failures INTEGER NOT NULL COMMENT '잇달아 틀린 인증 코드의 수',
    open_at DATETIME(6) COMMENT '다음 인증 코드를 받는 때 (UTC)',
    disabled_at DATETIME(6) COMMENT '운영자에서 뺀 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_operators PRIMARY KEY (user_id),
    CONSTRAINT fk_operators_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='운영자' COLLATE utf8mb4_bin;

CREATE TABLE orders (
    order_id BIGINT UNSIGNED NOT NULL COMMENT '주문 번호(내부)' AUTO_INCREMENT,
    order_no VARCHAR(20) NOT NULL COMMENT '주문 번호(고객용)',
    owner VARCHAR(80) NOT NULL COMMENT '주문한 장바구니의 소유자',
    user_id BIGINT UNSIGNED COMMENT '회원 번호, 비회원은 NULL',
    cart_stamp BIGINT NOT NULL COMMENT '주문한 장바구니의 도장',
    status VARCHAR(32) NOT NULL COMMENT 'PENDING, WAITING_FOR_DEPOSIT, PAID, PARTIAL_CANCELED, CANCELED, EXPIRED, SUPERSEDED',
    open_slot SMALLINT COMMENT '열린 주문은 1, 끝난 주문은 NULL',
    total_quantity INTEGER NOT NULL COMMENT '총 수량',
    items_price BIGINT NOT NULL COMMENT '상품 금액 (원)',
    delivery_fee BIGINT NOT NULL COMMENT '배송비 (원)',
    total_price BIGINT NOT NULL COMMENT '결제 금액 (원)',
    recipient_name VARCHAR(255) NOT NULL COMMENT '받는 분',
    recipient_phone VARCHAR(11) NOT NULL COMMENT '받는 분 전화번호, 숫자만',
    postcode VARCHAR(5) NOT NULL COMMENT '우편번호',
    address1 VARCHAR(255) NOT NULL COMMENT '주소',
    address2 VARCHAR(255) NOT NULL COMMENT '상세 주소',
    delivery_note VARCHAR(255) NOT NULL COMMENT '배송 요청',
    expires_at DATETIME(6) NOT NULL COMMENT '결제하지 않으면 만료되는 때 (UTC)',
    paid_at DATETIME(6) COMMENT '결제된 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_orders PRIMARY KEY (order_id),
    CONSTRAINT uq_orders_order_no UNIQUE (order_no),
    CONSTRAINT uq_orders_owner_open_slot UNIQUE (owner, open_slot),
    CONSTRAINT fk_orders_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_orders_owner_order_id (owner, order_id),
    KEY ix_orders_user_id_created_at (user_id, created_at)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='주문' COLLATE utf8mb4_bin;

CREATE TABLE sessions (
    token_hash VARCHAR(64) NOT NULL COMMENT '세션 토큰의 SHA-256',
    user_id BIGINT UNSIGNED NOT NULL COMMENT '회원 번호',
    epoch INTEGER NOT NULL COMMENT '로그인할 때의 session_epoch',
    user_agent VARCHAR(255) NOT NULL COMMENT '브라우저 이름',
    expires_at DATETIME(6) NOT NULL COMMENT '절대 만료 (UTC)',
    revoked_at DATETIME(6) COMMENT '로그아웃한 때 (UTC)',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    used_at DATETIME(6) COMMENT '마지막으로 쓴 날 (UTC), 하루에 한 번 적음',
    CONSTRAINT pk_sessions PRIMARY KEY (token_hash),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    KEY ix_sessions_expires_at (expires_at),
    KEY ix_sessions_user_id (user_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='로그인 세션' COLLATE utf8mb4_bin;

CREATE TABLE stock_movements (
    stock_movement_id BIGINT UNSIGNED NOT NULL COMMENT '재고 이동 번호' AUTO_INCREMENT,
    product_id BIGINT UNSIGNED NOT NULL COMMENT '상품 번호',
    web_payment_id BIGINT UNSIGNED COMMENT '결제 시도 번호, 입고는 NULL',
    reason VARCHAR(16) NOT NULL COMMENT 'initial, reserve, release, reserve_late, release_late, restock',
    delta INTEGER NOT NULL COMMENT '늘거나 준 수량',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    CONSTRAINT pk_stock_movements PRIMARY KEY (stock_movement_id),
    CONSTRAINT uq_stock_movements_web_payment_id_product_id_reason UNIQUE (web_payment_id, product_id, reason),
    CONSTRAINT fk_stock_movements_product_id FOREIGN KEY(product_id) REFERENCES products (product_id),
    KEY ix_stock_movements_product_id (product_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='재고 이동 원장' COLLATE utf8mb4_bin;

CREATE TABLE order_lines (
    order_line_id BIGINT UNSIGNED NOT NULL COMMENT '주문 줄 번호' AUTO_INCREMENT,
    order_id BIGINT UNSIGNED NOT NULL COMMENT '주문 번호(내부)',
    product_id BIGINT UNSIGNED NOT NULL COMMENT '상품 번호',
    name VARCHAR(255) NOT NULL COMMENT '주문할 때의 상품명',
    option_label VARCHAR(100) NOT NULL COMMENT '주문할 때의 옵션',
    image VARCHAR(255) NOT NULL COMMENT '그림 파일 이름',
    price BIGINT NOT NULL COMMENT '주문할 때의 판매가 (원)',
    quantity INTEGER NOT NULL COMMENT '수량',
    CONSTRAINT pk_order_lines PRIMARY KEY (order_line_id),
    CONSTRAINT uq_order_lines_order_id_product_id UNIQUE (order_id, product_id),
    CONSTRAINT fk_order_lines_order_id FOREIGN KEY(order_id) REFERENCES orders (order_id),
    CONSTRAINT fk_order_lines_product_id FOREIGN KEY(product_id) REFERENCES products (product_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='주문 줄' COLLATE utf8mb4_bin;

CREATE TABLE web_payments (
    web_payment_id BIGINT UNSIGNED NOT NULL COMMENT '결제 시도 번호' AUTO_INCREMENT,
    user_id BIGINT UNSIGNED COMMENT '회원 번호, 비회원은 NULL',
    signup_id VARCHAR(15) COMMENT '로그인 아이디, 비회원은 NULL',
    total_quantity INTEGER NOT NULL COMMENT '총 수량',
    total_price BIGINT NOT NULL COMMENT '결제할 금액 (원)',
    customer_name VARCHAR(255) NOT NULL COMMENT '주문자 이름',
    customer_phone VARCHAR(11) NOT NULL COMMENT '주문자 전화번호',
    payment_status VARCHAR(32) NOT NULL COMMENT 'PENDING 보류, CONFIRMING 결제 확인 중, WAITING_FOR_DEPOSIT 입금 대기, PAID 결제 성공, FAILED 결제 실패, CANCELED 결제 취소, PARTIAL_CANCELED 부분 취소, EXPIRED 만료, REVIEW 확인 필요',
    order_id BIGINT UNSIGNED NOT NULL COMMENT '주문 번호(내부)',
    payment_no VARCHAR(64) NOT NULL COMMENT '토스에 주는 orderId, 시도마다 하나',
    payment_key VARCHAR(200) COMMENT '토스의 paymentKey',
    idempotency_key VARCHAR(64) COMMENT '승인 요청의 멱등키',
    failure_code VARCHAR(64) COMMENT '실패한 까닭의 코드',
    open_slot SMALLINT COMMENT '열린 시도는 1, 끝난 시도는 NULL',
    confirming_at DATETIME(6) COMMENT '승인을 요청하기로 한 때 (UTC)',
    next_check_at DATETIME(6) COMMENT '대사 작업이 다시 물을 때 (UTC)',
    checks INTEGER NOT NULL COMMENT '대사 작업이 물은 횟수',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    CONSTRAINT pk_web_payments PRIMARY KEY (web_payment_id),
    CONSTRAINT uq_web_payments_payment_no UNIQUE (payment_no),
    CONSTRAINT uq_web_payments_payment_key UNIQUE (payment_key),
    CONSTRAINT uq_web_payments_order_id_open_slot UNIQUE (order_id, open_slot),
    CONSTRAINT fk_web_payments_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    CONSTRAINT fk_web_payments_order_id FOREIGN KEY(order_id) REFERENCES orders (order_id),
    KEY ix_web_payments_next_check_at (next_check_at)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='결제 시도' COLLATE utf8mb4_bin;

CREATE TABLE refunds (
    refund_id VARCHAR(64) NOT NULL COMMENT '환불 번호이자 멱등키',
    web_payment_id BIGINT UNSIGNED NOT NULL COMMENT '결제 시도',
    amount BIGINT NOT NULL COMMENT '환불할 금액 (원)',
    reason VARCHAR(200) NOT NULL COMMENT '까닭',
    status VARCHAR(32) NOT NULL COMMENT 'REQUESTED, DONE, REFUSED',
    failure_code VARCHAR(64) COMMENT '거절된 까닭의 코드',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    idempotency_key VARCHAR(80) COMMENT '취소 요청의 멱등키, NULL이면 환불 번호',
    account VARCHAR(500) COMMENT '돌려받을 계좌, JSON, 환불이 결정되면 지움',
    requested_by BIGINT UNSIGNED COMMENT '환불을 요청한 운영자의 회원 번호',
    transaction_key VARCHAR(64) COMMENT '토스의 취소 거래 키',
    canceled_at DATETIME(6) COMMENT '토스가 취소한 때 (UTC)',
    next_check_at DATETIME(6) COMMENT '대사 작업이 다시 요청할 때 (UTC)',
    CONSTRAINT pk_refunds PRIMARY KEY (refund_id),
    CONSTRAINT fk_refunds_web_payment_id FOREIGN KEY(web_payment_id) REFERENCES web_payments (web_payment_id),
    KEY ix_refunds_next_check_at (next_check_at),
    KEY ix_refunds_web_payment_id (web_payment_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='환불' COLLATE utf8mb4_bin;

CREATE TABLE toss_payments (
    toss_payment_id BIGINT UNSIGNED NOT NULL COMMENT '토스 결제 번호' AUTO_INCREMENT,
    payment_method VARCHAR(32) COMMENT '결제 수단, 토스의 말 그대로',
    currency VARCHAR(3) NOT NULL COMMENT '통화',
    total_price BIGINT NOT NULL COMMENT '주문 금액 (원)',
    total_amount BIGINT NOT NULL COMMENT '토스가 승인한 금액 (원)',
    customer_name VARCHAR(255) NOT NULL COMMENT '주문자 이름',
    customer_phone VARCHAR(11) NOT NULL COMMENT '주문자 전화번호',
    discount BIGINT NOT NULL COMMENT '카드사 즉시 할인 (원)',
    payment_time DATETIME(6) COMMENT '승인된 때 (UTC)',
    web_payment_id BIGINT UNSIGNED NOT NULL COMMENT '결제 시도',
    payment_key VARCHAR(200) NOT NULL COMMENT '토스의 paymentKey',
    status VARCHAR(32) NOT NULL COMMENT '토스가 말한 상태',
    secret VARCHAR(64) COMMENT '웹훅 확인 값',
    receipt_url VARCHAR(500) COMMENT '토스 영수증 주소',
    account_bank VARCHAR(8) COMMENT '가상계좌 은행 코드',
    account_number VARCHAR(32) COMMENT '가상계좌 번호',
    account_holder VARCHAR(255) COMMENT '가상계좌 예금주',
    account_due_at DATETIME(6) COMMENT '입금 기한 (UTC)',
    balance_amount BIGINT NOT NULL COMMENT '취소할 수 있는 남은 금액 (원)',
    refunded_amount BIGINT NOT NULL COMMENT '환불한 금액 (원)',
    answer TEXT NOT NULL COMMENT '토스의 대답 전체, JSON',
    created_at DATETIME(6) NOT NULL COMMENT '만든 때 (UTC)',
    updated_at DATETIME(6) NOT NULL COMMENT '마지막으로 바뀐 때 (UTC)',
    promised_amount BIGINT COMMENT '환불하기로 했거나 환불한 금액 (원), 없으면 NULL',
    CONSTRAINT pk_toss_payments PRIMARY KEY (toss_payment_id),
    CONSTRAINT uq_toss_payments_web_payment_id UNIQUE (web_payment_id),
    CONSTRAINT uq_toss_payments_payment_key UNIQUE (payment_key),
    CONSTRAINT fk_toss_payments_web_payment_id FOREIGN KEY(web_payment_id) REFERENCES web_payments (web_payment_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='토스 결제' COLLATE utf8mb4_bin;

INSERT INTO schema_migrations (name, applied_at) VALUES
    ('0001_initial', UTC_TIMESTAMP(6)),
    ('0002_refunds', UTC_TIMESTAMP(6)),
    ('0003_accounts', UTC_TIMESTAMP(6)),
    ('0004_operators', UTC_TIMESTAMP(6)),
    ('0005_addresses', UTC_TIMESTAMP(6)),
    ('0006_products_followed', UTC_TIMESTAMP(6));
