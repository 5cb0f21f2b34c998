"""Orders, with prices and names frozen as they were when placed."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from app.models.base import TABLE, Id, Moment, Won, created_at, key_column, metadata, state, updated_at

orders = Table(
    "orders",
    metadata,
    key_column("order_id", "주문 번호(내부)"),
    Column("order_no", String(20), nullable=False, comment="주문 번호(고객용)"),
    Column("owner", String(80), nullable=False, comment="주문한 장바구니의 소유자"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=True, comment="회원 번호, 비회원은 NULL"),
    Column("cart_stamp", BigInteger, nullable=False, comment="주문한 장바구니의 도장"),
    state("status", "PENDING, WAITING_FOR_DEPOSIT, PAID, PARTIAL_CANCELED, CANCELED, EXPIRED, SUPERSEDED"),
    Column("open_slot", SmallInteger, nullable=True, comment="열린 주문은 1, 끝난 주문은 NULL"),
    Column("total_quantity", Integer, nullable=False, comment="총 수량"),
    Column("items_price", Won, nullable=False, comment="상품 금액 (원)"),
    Column("delivery_fee", Won, nullable=False, comment="배송비 (원)"),
    Column("total_price", Won, nullable=False, comment="결제 금액 (원)"),
    Column("recipient_name", String(255), nullable=False, comment="받는 분"),
    Column("recipient_phone", String(11), nullable=False, comment="받는 분 전화번호, 숫자만"),
    Column("postcode", String(5), nullable=False, comment="우편번호"),
    Column("address1", String(255), nullable=False, comment="주소"),
    Column("address2", String(255), nullable=False, comment="상세 주소"),
    Column("delivery_note", String(255), nullable=False, comment="배송 요청"),
    Column("expires_at", Moment, nullable=False, comment="결제하지 않으면 만료되는 때 (UTC)"),
    Column("paid_at", Moment, nullable=True, comment="결제된 때 (UTC)"),
    created_at(),
    updated_at(),
    UniqueConstraint("order_no"),
    # At most one open order per cart.
    UniqueConstraint("owner", "open_slot"),
    # A shopper's orders, newest first.
    Index(None, "owner", "order_id"),
    Index(None, "user_id", "created_at"),
    comment="주문",
    **TABLE,
)

order_lines = Table(
    "order_lines",
    metadata,
    key_column("order_line_id", "주문 줄 번호"),
    Column("order_id", Id, ForeignKey("orders.order_id"), nullable=False, comment="주문 번호(내부)"),
    Column("product_id", Id, ForeignKey("products.product_id"), nullable=False, comment="상품 번호"),
    Column("name", String(255), nullable=False, comment="주문할 때의 상품명"),
    Column("option_label", String(100), nullable=False, comment="주문할 때의 옵션"),
    Column("image", String(255), nullable=False, comment="그림 파일 이름"),
    Column("price", Won, nullable=False, comment="주문할 때의 판매가 (원)"),
    Column("quantity", Integer, nullable=False, comment="수량"),
    UniqueConstraint("order_id", "product_id"),
    comment="주문 줄",
    **TABLE,
)
