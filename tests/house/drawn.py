"""What each partial is drawn with, alone: its declared inputs, once for each face it has."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from app.cart.view import CartLine, CartView, Undo
from app.catalog.product import ProductCard
from app.orders.order import OrderLine
from app.orders.view import OrderView, PaymentView, VirtualAccount
from app.payments.outcome import Outcome
from app.web.notice import Notice

NOON = datetime(2026, 11, 23, 3, 0)  # noqa: DTZ001 - naive UTC, as the database stores it

CARD = ProductCard(
    product_id=7, name="달빛 머그", option_label="", price=12_000, list_price=None, category="그릇",
    quantity=10, image="mug.svg", group_id=None, created_at=NOON,
)  # fmt: skip
LINE = CartLine(7, "달빛 머그", "큰 것", "/pictures/mug.svg", 12_000, 15_000, 2, 10, "ok")
UNDO = Undo(7, "달빛 머그", 2)
CART = CartView(
    owner="g:x", stamp=1, lines=(LINE,), total_quantity=2, items_price=24_000, delivery_fee=3_000,
    missing_for_free_delivery=26_000, undo=UNDO,
)  # fmt: skip
EMPTY = replace(CART, lines=(), total_quantity=0, items_price=0, undo=None)
PAYMENT = PaymentView(
    payment_no="P" * 32, status="PENDING", status_label="보류", method="", currency="KRW",
    total_amount=27_000, discount=0, supplied_amount=None, vat=None, approved_at=None, card_issuer="",
    card_number="", easy_pay="", receipt_url="", account=None, failure="카드사에서 승인을 거절했습니다.",
    refunded_amount=0,
)  # fmt: skip
ACCOUNT = VirtualAccount("국민은행", "123-45", "마당", NOON)
ORDER = OrderView(
    order_no="20261123-7K3MPX2", status="PENDING", status_label="결제 대기", created_at=NOON, paid_at=None,
    expires_at=NOON, lines=(OrderLine(7, "달빛 머그", "", "mug.svg", 12_000, 2),), total_quantity=2,
    items_price=24_000, delivery_fee=3_000, total_price=27_000, recipient_name="김민지",
    recipient_phone="01012345678", postcode="04524", address1="서울", address2="", delivery_note="",
    can_pay=True, can_cancel=True, payment=PAYMENT,
)  # fmt: skip
OUTCOME = Outcome(
    "declined", "결제하지 못했습니다", "결제되지 않았습니다.", "P" * 32, None, "", (("처음으로", "/"),)
)

LINES = [{"line": replace(LINE, state=state)} for state in ("ok", "short", "sold_out", "gone")]
ORDERS = [
    {"order": ORDER},
    {"order": replace(ORDER, payment=None, can_pay=False)},
    {"order": replace(ORDER, payment=replace(PAYMENT, status="CONFIRMING"))},
    {"order": replace(ORDER, payment=replace(PAYMENT, status="PARTIAL_CANCELED", failure=""))},
    {"order": replace(ORDER, payment=replace(PAYMENT, status="WAITING_FOR_DEPOSIT", account=ACCOUNT))},
]
KINDS = (
    "checking", "paid", "waiting_for_deposit", "declined", "canceled_by_shopper", "out_of_stock", "tampered",
    "superseded", "expired", "review", "unreached", "elsewhere",
)  # fmt: skip

INPUTS: dict[str, list[dict[str, Any]]] = {
    "partials/accounts/availability.html": [
        {"signup_id": "minji", "available": available, "reason": reason}
        for available, reason in ((None, ""), (True, ""), (False, ""), (False, "너무 짧습니다."))
    ],
    "partials/admin/header.html": [{}],
    "partials/cart/badge.html": [{"count": count} for count in (2, 0, 1000, None)],
    "partials/cart/key.html": [{}],
    "partials/cart/line.html": LINES,
    "partials/cart/lines.html": [{"cart": CART}, {"cart": EMPTY}],
    "partials/cart/totals.html": [{"cart": CART}, {"cart": EMPTY}],
    "partials/cart/undo.html": [{"undo": UNDO}, {"undo": None}],
    "partials/catalog/card.html": [
        {"card": CARD, "place": 1},
        {"card": replace(CARD, quantity=0, list_price=15_000), "place": 9},
        {"card": replace(CARD, quantity=2, option_label="옵션 2가지"), "place": 2},
    ],
    "partials/catalog/delivery.html": [{}],
    "partials/orders/status.html": ORDERS,
    "partials/orders/summary.html": [{"order": ORDER}, {"order": replace(ORDER, lines=ORDER.lines * 2)}],
    "partials/payments/awaited.html": [{"order": ORDER}],
    "partials/payments/outcome.html": [
        *({"outcome": replace(OUTCOME, kind=kind)} for kind in KINDS),
        {"outcome": replace(OUTCOME, kind="waiting_for_deposit", account=ACCOUNT)},
    ],
    "partials/web/footer.html": [{}],
    "partials/web/header.html": [{}],
    "partials/web/notice.html": [
        {"notice": None}, {"notice": Notice("ok", "담았습니다.", ("장바구니", "/cart"))},
        {"notice": Notice("error", "잠시 후 다시 시도해 주십시오.")},
    ],
}  # fmt: skip
