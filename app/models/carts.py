"""Carts in the long run. Redis holds the hot copy."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from app.models.base import TABLE, Id, created_at, key_column, metadata, updated_at

cart_heads = Table(
    "cart_heads",
    metadata,
    Column("owner", String(80), primary_key=True, comment="u:<회원 번호> 또는 g:<비회원 표>"),
    Column("last_stamp", BigInteger, nullable=False, comment="마지막 변경의 도장 (마이크로초)"),
    Column("cleared_stamp", BigInteger, nullable=False, comment="이 도장까지의 줄은 결제로 비워짐"),
    updated_at(),
    comment="장바구니 머리: 소유자마다 한 줄",
    **TABLE,
)

# No foreign key to products: it would lock the product's row for every cart edit, against its stock.
carts = Table(
    "carts",
    metadata,
    key_column("cart_id", "장바구니 줄 번호"),
    Column("product_id", Id, nullable=False, comment="상품 번호"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=True, comment="회원 번호, 비회원은 NULL"),
    Column("signup_id", String(15), nullable=True, comment="로그인 아이디, 비회원은 NULL"),
    Column("quantity", Integer, nullable=False, comment="수량, 0은 지운 줄"),
    Column("owner", String(80), nullable=False, comment="u:<회원 번호> 또는 g:<비회원 표>"),
    Column("stamp", BigInteger, nullable=False, comment="이 줄을 바꾼 도장 (마이크로초)"),
    created_at(),
    updated_at(),
    UniqueConstraint("owner", "product_id"),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    Index(None, "user_id"),
    comment="장바구니 줄",
    **TABLE,
)
