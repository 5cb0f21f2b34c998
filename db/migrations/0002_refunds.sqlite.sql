-- Refunds that are repeated until Toss decides, and the nightly comparison of the books.
CREATE TABLE IF NOT EXISTS payment_comparisons (
    day VARCHAR(10) NOT NULL,
    differences INTEGER NOT NULL,
    compared_at DATETIME NOT NULL,
    CONSTRAINT pk_payment_comparisons PRIMARY KEY (day)
);

CREATE TABLE IF NOT EXISTS payment_differences (
    payment_difference_id INTEGER NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    day VARCHAR(10) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    subject VARCHAR(200) NOT NULL,
    ours VARCHAR(100) NOT NULL,
    theirs VARCHAR(100) NOT NULL,
    resolved_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_payment_differences PRIMARY KEY (payment_difference_id),
    CONSTRAINT uq_payment_differences_fingerprint UNIQUE (fingerprint)
);
CREATE INDEX IF NOT EXISTS ix_payment_differences_day ON payment_differences (day);

ALTER TABLE refunds ADD COLUMN idempotency_key VARCHAR(80);
ALTER TABLE refunds ADD COLUMN account VARCHAR(500);
ALTER TABLE refunds ADD COLUMN requested_by INTEGER;
ALTER TABLE refunds ADD COLUMN transaction_key VARCHAR(64);
ALTER TABLE refunds ADD COLUMN canceled_at DATETIME;
ALTER TABLE refunds ADD COLUMN next_check_at DATETIME;
ALTER TABLE toss_payments ADD COLUMN promised_amount BIGINT;
CREATE INDEX IF NOT EXISTS ix_refunds_next_check_at ON refunds (next_check_at);
