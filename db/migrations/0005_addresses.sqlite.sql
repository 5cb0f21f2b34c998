-- Addresses that members save.
CREATE TABLE IF NOT EXISTS addresses (
    address_id INTEGER NOT NULL,
    address_no VARCHAR(32) NOT NULL,
    user_id INTEGER NOT NULL,
    recipient_name VARCHAR(255) NOT NULL,
    recipient_phone VARCHAR(11) NOT NULL,
    postcode VARCHAR(5) NOT NULL,
    address1 VARCHAR(255) NOT NULL,
    address2 VARCHAR(255) NOT NULL,
    default_slot SMALLINT,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_addresses PRIMARY KEY (address_id),
    CONSTRAINT uq_addresses_address_no UNIQUE (address_no),
    CONSTRAINT uq_addresses_user_id_default_slot UNIQUE (user_id, default_slot),
    CONSTRAINT fk_addresses_user_id FOREIGN KEY(user_id) REFERENCES users (user_id)
);
