-- The first schema, as SQLite says it.

CREATE TABLE IF NOT EXISTS cart_heads (
    owner VARCHAR(80) NOT NULL,
    last_stamp BIGINT NOT NULL,
    cleared_stamp BIGINT NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_cart_heads PRIMARY KEY (owner)
);

CREATE TABLE IF NOT EXISTS outbox (
    outbox_id INTEGER NOT NULL,
    message_id VARCHAR(64) NOT NULL,
    type VARCHAR(64) NOT NULL,
    body TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (outbox_id)
);

CREATE TABLE IF NOT EXISTS products (
    product_id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    price BIGINT NOT NULL,
    category VARCHAR(255) NOT NULL,
    country VARCHAR(255) NOT NULL,
    manufacturer VARCHAR(255) NOT NULL,
    quantity INTEGER NOT NULL,
    description TEXT NOT NULL,
    list_price BIGINT,
    group_id INTEGER,
    option_label VARCHAR(100) NOT NULL,
    image VARCHAR(255) NOT NULL,
    status VARCHAR(16) NOT NULL,
    version INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (product_id),
    CONSTRAINT ck_products_quantity_not_negative CHECK (quantity >= 0),
    CONSTRAINT ck_products_price_not_negative CHECK (price >= 0)
);
CREATE INDEX IF NOT EXISTS ix_products_created_at_product_id ON products (created_at, product_id);
CREATE INDEX IF NOT EXISTS ix_products_group_id ON products (group_id);
CREATE INDEX IF NOT EXISTS ix_products_price_product_id ON products (price, product_id);
CREATE INDEX IF NOT EXISTS ix_products_status_category_created_at_product_id ON products (status, category, created_at, product_id);
CREATE INDEX IF NOT EXISTS ix_products_status_category_price_product_id ON products (status, category, price, product_id);

CREATE TABLE IF NOT EXISTS users (
    user_id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    phone VARCHAR(11) NOT NULL,
    signup_id VARCHAR(15) NOT NULL,
    signup_password VARCHAR(255) NOT NULL,
    role VARCHAR(16) NOT NULL,
    email VARCHAR(255),
    consents VARCHAR(1000) NOT NULL,
    session_epoch INTEGER NOT NULL,
    password_changed_at DATETIME NOT NULL,
    closed_at DATETIME,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (user_id),
    CONSTRAINT uq_users_signup_id UNIQUE (signup_id)
);

CREATE TABLE IF NOT EXISTS webhook_events (
    webhook_event_id INTEGER NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    payment_no VARCHAR(64),
    event_type VARCHAR(64) NOT NULL,
    handled_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_webhook_events PRIMARY KEY (webhook_event_id),
    CONSTRAINT uq_webhook_events_fingerprint UNIQUE (fingerprint)
);
CREATE INDEX IF NOT EXISTS ix_webhook_events_handled_at_webhook_event_id ON webhook_events (handled_at, webhook_event_id);

CREATE TABLE IF NOT EXISTS carts (
    cart_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    user_id INTEGER,
    signup_id VARCHAR(15),
    quantity INTEGER NOT NULL,
    owner VARCHAR(80) NOT NULL,
    stamp BIGINT NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_carts PRIMARY KEY (cart_id),
    CONSTRAINT uq_carts_owner_product_id UNIQUE (owner, product_id),
    CONSTRAINT ck_carts_quantity_not_negative CHECK (quantity >= 0),
    CONSTRAINT fk_carts_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_carts_user_id ON carts (user_id);

CREATE TABLE IF NOT EXISTS orders (
    order_id INTEGER NOT NULL,
    order_no VARCHAR(20) NOT NULL,
    owner VARCHAR(80) NOT NULL,
    user_id INTEGER,
    cart_stamp BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    open_slot SMALLINT,
    total_quantity INTEGER NOT NULL,
    items_price BIGINT NOT NULL,
    delivery_fee BIGINT NOT NULL,
    total_price BIGINT NOT NULL,
    recipient_name VARCHAR(255) NOT NULL,
    recipient_phone VARCHAR(11) NOT NULL,
    postcode VARCHAR(5) NOT NULL,
    address1 VARCHAR(255) NOT NULL,
    address2 VARCHAR(255) NOT NULL,
    delivery_note VARCHAR(255) NOT NULL,
    expires_at DATETIME NOT NULL,
    paid_at DATETIME,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (order_id),
    CONSTRAINT uq_orders_order_no UNIQUE (order_no),
    CONSTRAINT uq_orders_owner_open_slot UNIQUE (owner, open_slot),
    CONSTRAINT fk_orders_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_orders_owner_order_id ON orders (owner, order_id);
CREATE INDEX IF NOT EXISTS ix_orders_user_id_created_at ON orders (user_id, created_at);

CREATE TABLE IF NOT EXISTS sessions (
    token_hash VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    expires_at DATETIME NOT NULL,
    revoked_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (token_hash),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX IF NOT EXISTS ix_sessions_expires_at ON sessions (expires_at);
CREATE INDEX IF NOT EXISTS ix_sessions_user_id ON sessions (user_id);

CREATE TABLE IF NOT EXISTS stock_movements (
    stock_movement_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    web_payment_id INTEGER,
    reason VARCHAR(16) NOT NULL,
    delta INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_stock_movements PRIMARY KEY (stock_movement_id),
    CONSTRAINT uq_stock_movements_web_payment_id_product_id_reason UNIQUE (web_payment_id, product_id, reason),
    CONSTRAINT fk_stock_movements_product_id FOREIGN KEY(product_id) REFERENCES products (product_id)
);
CREATE INDEX IF NOT EXISTS ix_stock_movements_product_id ON stock_movements (product_id);

CREATE TABLE IF NOT EXISTS order_lines (
    order_line_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    option_label VARCHAR(100) NOT NULL,
    image VARCHAR(255) NOT NULL,
    price BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    CONSTRAINT pk_order_lines PRIMARY KEY (order_line_id),
    CONSTRAINT uq_order_lines_order_id_product_id UNIQUE (order_id, product_id),
    CONSTRAINT fk_order_lines_order_id FOREIGN KEY(order_id) REFERENCES orders (order_id),
    CONSTRAINT fk_order_lines_product_id FOREIGN KEY(product_id) REFERENCES products (product_id)
);

CREATE TABLE IF NOT EXISTS web_payments (
    web_payment_id INTEGER NOT NULL,
    user_id INTEGER,
    signup_id VARCHAR(15),
    total_quantity INTEGER NOT NULL,
    total_price BIGINT NOT NULL,
    customer_name VARCHAR(255) NOT NULL,
    customer_phone VARCHAR(11) NOT NULL,
    payment_status VARCHAR(32) NOT NULL,
    order_id INTEGER NOT NULL,
    payment_no VARCHAR(64) NOT NULL,
    payment_key VARCHAR(200),
    idempotency_key VARCHAR(64),
    failure_code VARCHAR(64),
    open_slot SMALLINT,
    confirming_at DATETIME,
    next_check_at DATETIME,
    checks INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_web_payments PRIMARY KEY (web_payment_id),
    CONSTRAINT uq_web_payments_payment_no UNIQUE (payment_no),
    CONSTRAINT uq_web_payments_payment_key UNIQUE (payment_key),
    CONSTRAINT uq_web_payments_order_id_open_slot UNIQUE (order_id, open_slot),
    CONSTRAINT fk_web_payments_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
    CONSTRAINT fk_web_payments_order_id FOREIGN KEY(order_id) REFERENCES orders (order_id)
);
CREATE INDEX IF NOT EXISTS ix_web_payments_next_check_at ON web_payments (next_check_at);

CREATE TABLE IF NOT EXISTS refunds (
    refund_id VARCHAR(64) NOT NULL,
    web_payment_id INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    reason VARCHAR(200) NOT NULL,
    status VARCHAR(32) NOT NULL,
    failure_code VARCHAR(64),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (refund_id),
    CONSTRAINT fk_refunds_web_payment_id FOREIGN KEY(web_payment_id) REFERENCES web_payments (web_payment_id)
);
CREATE INDEX IF NOT EXISTS ix_refunds_web_payment_id ON refunds (web_payment_id);

CREATE TABLE IF NOT EXISTS toss_payments (
    toss_payment_id INTEGER NOT NULL,
    payment_method VARCHAR(32),
    currency VARCHAR(3) NOT NULL,
    total_price BIGINT NOT NULL,
    total_amount BIGINT NOT NULL,
    customer_name VARCHAR(255) NOT NULL,
    customer_phone VARCHAR(11) NOT NULL,
    discount BIGINT NOT NULL,
    payment_time DATETIME,
    web_payment_id INTEGER NOT NULL,
    payment_key VARCHAR(200) NOT NULL,
    status VARCHAR(32) NOT NULL,
    secret VARCHAR(64),
    receipt_url VARCHAR(500),
    account_bank VARCHAR(8),
    account_number VARCHAR(32),
    account_holder VARCHAR(255),
    account_due_at DATETIME,
    balance_amount BIGINT NOT NULL,
    refunded_amount BIGINT NOT NULL,
    answer TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_toss_payments PRIMARY KEY (toss_payment_id),
    CONSTRAINT uq_toss_payments_web_payment_id UNIQUE (web_payment_id),
    CONSTRAINT uq_toss_payments_payment_key UNIQUE (payment_key),
    CONSTRAINT fk_toss_payments_web_payment_id FOREIGN KEY(web_payment_id) REFERENCES web_payments (web_payment_id)
);
