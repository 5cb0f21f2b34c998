"""What the shop sells."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from app.models.base import TABLE, Id, Won, created_at, key_column, metadata, updated_at

products = Table(
    "products",
    metadata,
    key_column("product_id", "상품 번호"),
    Column("name", String(255), nullable=False, comment="상품명"),
    Column("price", Won, nullable=False, comment="판매가 (원)"),
    Column("category", String(255), nullable=False, comment="분류"),
    Column("country", String(255), nullable=False, comment="원산지"),
    Column("manufacturer", String(255), nullable=False, comment="제조사"),
    Column("quantity", Integer, nullable=False, comment="재고 수량"),
    Column("description", Text, nullable=False, comment="설명"),
    Column("list_price", Won, nullable=True, comment="정가 (원)"),
    Column("group_id", Id, nullable=True, comment="같은 상품의 옵션을 묶는 번호"),
    Column("option_label", String(100), nullable=False, comment="옵션 이름"),
    Column("image", String(255), nullable=False, comment="그림 파일 이름"),
    Column("status", String(16), nullable=False, comment="on_sale 또는 hidden"),
    Column("version", Integer, nullable=False, comment="바뀔 때마다 1 오름"),
    created_at(),
    updated_at(),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    CheckConstraint("price >= 0", name="price_not_negative"),
    # Keyset paging by each offered sort, within a category and across the shop.
    Index(None, "status", "category", "created_at", "product_id"),
    Index(None, "status", "category", "price", "product_id"),
    # Across the shop without the status: MariaDB would look up the status and read from the start.
    Index(None, "created_at", "product_id"),
    Index(None, "price", "product_id"),
    Index(None, "group_id"),
    # What was changed lately: the search index asks for it.
    Index(None, "updated_at", "product_id"),
    comment="상품",
    **TABLE,
)
