CREATE INDEX IF NOT EXISTS ix_products_updated_at_product_id ON products (updated_at, product_id);
