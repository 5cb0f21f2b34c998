-- What was changed lately, for the search index that follows it. A change that MySQL has committed before
-- the process died is not made again.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'products'
            AND index_name = 'ix_products_updated_at_product_id'
    ),
    'DO 0',
    'ALTER TABLE products ADD KEY ix_products_updated_at_product_id (updated_at, product_id)'
);
PREPARE change_ FROM @change;
EXECUTE change_;
DEALLOCATE PREPARE change_;
