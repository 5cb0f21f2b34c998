"""What each partial is drawn with, alone: its declared inputs, once for each state it has."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.cart.view import CartLine, CartView, Undo
from app.catalog.product import ProductCard
from app.orders.order import OrderLine
from app.orders.view import OrderView, PaymentView, VirtualAccount
from app.payments.outcome import Outcome

State = str
Inputs = dict[str, Any]

NOON = datetime(2026, 11, 23, 3, 0)  # noqa: DTZ001 - naive UTC, as the database stores it

# What people type, and what breaks pages that were only tried with "달빛 머그".
WORDS = {
    "long": "세상에서가장긴이름을가진머그를만들어보자는생각으로빚었습니다" * 8,
    "rtl": "كوب القمر المصنوع يدويًا من الخزف الأبيض 12,000",
    "emoji": "👩🏽‍🍳🫖✨ 달빛 머그 👨‍👩‍👧‍👦🏳️‍🌈",
}

CARD = ProductCard(
    product_id=7, name="달빛 머그", option_label="", price=12_000, list_price=None, category="그릇",
    quantity=10, image="mug.svg", group_id=None, created_at=NOON,
)  # fmt: skip
LINE = CartLine(7, "달빛 머그", "큰 것", "/pictures/mug.svg", 12_000, 15_000, 2, 10, "ok")
LINES = tuple(LINE._replace(product_id=LINE.product_id + step) for step in range(12))
UNDO = Undo(7, "달빛 머그", 2)
CART = CartView(
    owner="g:x", stamp=1, lines=(LINE,), total_quantity=2, items_price=24_000, delivery_fee=3_000,
    missing_for_free_delivery=26_000, undo=UNDO,
)  # fmt: skip
EMPTY = replace(CART, lines=(), total_quantity=0, items_price=0, undo=None)
PAYMENT = PaymentView(
    payment_no="P" * 32, status="PENDING", status_label="보류", method="", currency="KRW",
    total_amount=27_000, discount=0, supplied_amount=None, vat=None, approved_at=None, card_issuer="",
    card_number="", easy_pay="", receipt_url="", account=None, failure="", refunded_amount=0,
)  # fmt: skip
ACCOUNT = VirtualAccount("국민은행", "123-45", "마당", NOON)
ORDERED = OrderLine(7, "달빛 머그", "", "mug.svg", 12_000, 2)
ORDER = OrderView(
    order_no="20261123-7K3MPX2", status="PENDING", status_label="결제 대기", created_at=NOON, paid_at=None,
    expires_at=NOON, lines=(ORDERED,), total_quantity=2, items_price=24_000, delivery_fee=3_000,
    total_price=27_000, recipient_name="김민지", recipient_phone="01012345678", postcode="04524",
    address1="서울", address2="", delivery_note="", can_pay=True, can_cancel=True, payment=PAYMENT,
)  # fmt: skip
OUTCOME = Outcome(
    "paid", "결제했습니다", "주문해 주셔서 고맙습니다.", "P" * 32, ORDER.order_no, "", (("처음으로", "/"),)
)
KINDS = (
    "checking", "waiting_for_deposit", "declined", "canceled_by_shopper", "out_of_stock", "tampered",
    "superseded", "expired", "review", "unreached", "elsewhere", "waiting",
)  # fmt: skip


def worded(make: Callable[[str], Inputs]) -> dict[State, Inputs]:
    """Give the states in which the partial's text is what nobody expects."""
    return {state: make(text) for state, text in WORDS.items()}


def _paying(**what: Any) -> Inputs:
    return {"order": replace(ORDER, can_pay=False, payment=replace(PAYMENT, **what))}


def _line(**what: Any) -> CartLine:
    return LINE._replace(**what)


def _cart(*lines: CartLine) -> CartView:
    return replace(CART, lines=lines, total_quantity=2 * len(lines), items_price=24_000 * len(lines))


SAMPLES: dict[str, dict[State, Inputs]] = {
    "partials/accounts/availability.html": {
        "empty": {"signup_id": "", "available": None, "reason": ""},
        "one": {"signup_id": "minji", "available": True, "reason": ""},
        "taken": {"signup_id": "minji", "available": False, "reason": ""},
        "error": {"signup_id": "m", "available": False, "reason": "너무 짧습니다."},
        **worded(lambda text: {"signup_id": text, "available": True, "reason": ""}),
    },
    "partials/admin/header.html": {"one": {}},
    "partials/cart/badge.html": {
        "empty": {"count": 0}, "unknown": {"count": None}, "one": {"count": 1}, "many": {"count": 1000},
    },
    "partials/cart/key.html": {"one": {}},
    "partials/cart/line.html": {
        "one": LINE.shown(),
        "error": _line(stock=1, state="short").shown(),
        "sold out": _line(stock=0, state="sold_out").shown(),
        "gone": CartLine(7, "판매가 끝난 상품", "", "", 0, None, 2, 0, "gone").shown(),
        "many": _line(quantity=99, stock=500, price=99_999_999).shown(),
        **worded(lambda text: _line(name=text, option_label=text).shown()),
    },
    "partials/cart/lines.html": {
        "empty": {"cart": EMPTY},
        "one": {"cart": CART},
        "many": {"cart": _cart(*LINES)},
        "sold out": {"cart": _cart(LINE, _line(product_id=8, stock=0, state="sold_out"))},
        **worded(lambda text: {"cart": _cart(_line(name=text, option_label=text))}),
    },
    "partials/cart/totals.html": {
        "empty": EMPTY.sums(),
        "one": CART.sums(),
        "many": replace(_cart(*LINES), delivery_fee=0, missing_for_free_delivery=0).sums(),
        "sold out": _cart(_line(stock=0, state="sold_out")).sums(),
    },
    "partials/cart/undo.html": {
        "empty": {"undo": None},
        "one": {"undo": UNDO},
        **worded(lambda text: {"undo": replace(UNDO, name=text)}),
    },
    "partials/catalog/card.html": {
        "one": {"card": CARD, "place": 1},
        "lowered": {"card": replace(CARD, list_price=15_000), "place": 2},
        "many": {"card": replace(CARD, quantity=2, options=2), "place": 2},
        "sold out": {"card": replace(CARD, quantity=0, list_price=15_000), "place": 9},
        **worded(lambda text: {"card": replace(CARD, name=text, option_label=text), "place": 9}),
    },
    "partials/catalog/delivery.html": {"one": {}},
    "partials/orders/status.html": {
        "one": {"order": ORDER},
        "many": _paying(status="PARTIAL_CANCELED"),
        "error": _paying(status="FAILED", failure="카드사에서 승인을 거절했습니다."),
        "checking": _paying(status="CONFIRMING"),
        "review": _paying(status="REVIEW"),
        "deposit": _paying(status="WAITING_FOR_DEPOSIT", account=ACCOUNT),
        **worded(lambda text: _paying(account=replace(ACCOUNT, bank=text, holder=text), failure=text)),
    },
    "partials/orders/summary.html": {
        "one": {"order": ORDER},
        "many": {"order": replace(ORDER, lines=(ORDERED,) * 12, total_price=99_999_999)},
        "error": {"order": replace(ORDER, status="EXPIRED", status_label="기한 만료")},
        **worded(lambda text: {"order": replace(ORDER, lines=(replace(ORDERED, name=text),))}),
    },
    "partials/payments/awaited.html": {"one": {"order_no": ORDER.order_no}},
    "partials/payments/outcome.html": {
        "one": {"outcome": OUTCOME},
        "deposit": {"outcome": replace(OUTCOME, kind="waiting_for_deposit", account=ACCOUNT)},
        "error": {"outcome": replace(OUTCOME, kind="unreached", support_code="7f3a91c2", order_no=None)},
        **{kind: {"outcome": replace(OUTCOME, kind=kind)} for kind in KINDS},
        "in line": {"outcome": replace(OUTCOME, kind="waiting", note="아직입니다.", again="/")},
        **worded(lambda text: {"outcome": replace(OUTCOME, kind="declined", title=text, sentence=text)}),
    },
    "partials/search/suggestions.html": {
        "empty": {"suggestions": []},
        "one": {"suggestions": [CARD]},
        "many": {"suggestions": [CARD] * 6},
        **worded(lambda text: {"suggestions": [replace(CARD, name=text)]}),
    },
    "partials/web/footer.html": {"one": {}},
    "partials/web/header.html": {"one": {}},
    "partials/web/notice.html": {
        "empty": {"notice": None},
        "one": {"notice": {"kind": "ok", "text": "담았습니다.", "link": ("장바구니", "/cart")}},
        "warn": {"notice": {"kind": "warn", "text": "남은 수량이 2개라 2개까지만 담을 수 있습니다."}},
        "error": {"notice": {"kind": "error", "text": "잠시 후 다시 시도해 주십시오."}},
        **worded(lambda text: {"notice": {"kind": "ok", "text": text, "link": (text, "/cart")}}),
    },
}  # fmt: skip
