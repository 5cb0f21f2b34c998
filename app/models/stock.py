"""The ledger of stock: its sum per product equals products.quantity."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from app.models.base import TABLE, Id, created_at, key_column, metadata

stock_movements = Table(
    "stock_movements",
    metadata,
    key_column("stock_movement_id", "재고 이동 번호"),
    Column("product_id", Id, ForeignKey("products.product_id"), nullable=False, comment="상품 번호"),
    Column("web_payment_id", Id, nullable=True, comment="결제 시도 번호, 입고는 NULL"),
    Column(
        "reason",
        String(16),
        nullable=False,
        comment="initial, reserve, release, reserve_late, release_late, restock",
    ),
    Column("delta", Integer, nullable=False, comment="늘거나 준 수량"),
    created_at(),
    # One attempt can hold a product once and give it back once.
    UniqueConstraint("web_payment_id", "product_id", "reason"),
    Index(None, "product_id"),
    comment="재고 이동 원장",
    **TABLE,
)
