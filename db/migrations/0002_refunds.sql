-- Refunds that are repeated until Toss decides, and the nightly comparison of the books.
-- A change that MySQL has committed before the process died is not made again: neither MySQL nor MariaDB
-- have one spelling of ADD COLUMN IF NOT EXISTS in common.
CREATE TABLE IF NOT EXISTS payment_comparisons (
    day VARCHAR(10) NOT NULL COMMENT '비교한 날 (한국)',
    differences INTEGER NOT NULL COMMENT '차이의 수',
    compared_at DATETIME(6) NOT NULL COMMENT '비교한 때 (UTC)',
    CONSTRAINT pk_payment_comparisons PRIMARY KEY (day)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='야간 대조를 마친 날' COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payment_differences (
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

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'refunds' AND column_name = 'next_check_at'
    ),
    'DO 0',
    'ALTER TABLE refunds
        ADD COLUMN idempotency_key VARCHAR(80) COMMENT ''취소 요청의 멱등키, NULL이면 환불 번호'',
        ADD COLUMN account VARCHAR(500) COMMENT ''돌려받을 계좌, JSON, 환불이 결정되면 지움'',
        ADD COLUMN requested_by BIGINT UNSIGNED COMMENT ''환불을 요청한 운영자의 회원 번호'',
        ADD COLUMN transaction_key VARCHAR(64) COMMENT ''토스의 취소 거래 키'',
        ADD COLUMN canceled_at DATETIME(6) COMMENT ''토스가 취소한 때 (UTC)'',
        ADD COLUMN next_check_at DATETIME(6) COMMENT ''대사 작업이 다시 요청할 때 (UTC)'',
        ADD KEY ix_refunds_next_check_at (next_check_at)'
);
PREPARE change_ FROM @change;
EXECUTE change_;
DEALLOCATE PREPARE change_;

SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'toss_payments' AND column_name = 'promised_amount'
    ),
    'DO 0',
    'ALTER TABLE toss_payments
        ADD COLUMN promised_amount BIGINT COMMENT ''환불하기로 했거나 환불한 금액 (원), 없으면 NULL'''
);
PREPARE change_ FROM @change;
EXECUTE change_;
DEALLOCATE PREPARE change_;

ALTER TABLE stock_movements
    MODIFY COLUMN reason VARCHAR(16) NOT NULL COMMENT 'initial, reserve, release, reserve_late, release_late, restock';

ALTER TABLE orders
    MODIFY COLUMN status VARCHAR(32) NOT NULL COMMENT 'PENDING, WAITING_FOR_DEPOSIT, PAID, PARTIAL_CANCELED, CANCELED, EXPIRED, SUPERSEDED';
