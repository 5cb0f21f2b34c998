"""What the shopper is told on the way back: what happened, whether money moved, what to do; pure."""

from dataclasses import dataclass, replace

from app.core.languages import _, marked, ngettext
from app.orders.order import Order
from app.orders.view import VirtualAccount
from app.payments import refusals, states
from app.payments.arrival import Place
from app.payments.attempt import (
    CANCELED_AT_TOSS,
    CANCELED_BY_SHOPPER,
    DEPOSIT_REVERSED,
    OUT_OF_STOCK,
    REPLACED,
    RETURNED,
    SUPERSEDED,
    Attempt,
)

Action = tuple[str, str]

FURTHER = 50  # so many more in front, and the page asks a second more seldom, ...
MOST_SECONDS = 20  # ... but at least so often

SENTENCES = {
    OUT_OF_STOCK: marked(
        "그사이 품절된 상품이 있습니다. 결제되지 않았습니다. 장바구니에서 수량을 확인해 주십시오."
    ),
    SUPERSEDED: marked("이 결제창은 이전 장바구니의 것입니다. 결제되지 않았습니다."),
    REPLACED: marked("같은 주문의 다른 결제가 먼저 처리되었습니다."),
    CANCELED_BY_SHOPPER: marked("주문을 취소하셨습니다. 결제되지 않았습니다."),
    RETURNED: marked("결제를 취소하고 결제하신 금액을 돌려드렸습니다."),
    CANCELED_AT_TOSS: marked("결제가 취소되었습니다. 결제하신 금액은 돌려드립니다."),
    DEPOSIT_REVERSED: marked("은행에서 입금을 취소했습니다. 아래 계좌로 다시 입금해 주십시오."),
    "CANCELED": marked("취소되었습니다. 결제되지 않았습니다."),  # a deposit nobody waits for any more
    "EXPIRED": marked("기한이 지났습니다. 결제되지 않았습니다."),
    "REFUNDED": marked(
        "결제 기한이 지난 뒤에 처리된 결제라 자동으로 취소했습니다. 결제하신 금액은 돌려드립니다."
    ),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """Who is told: somebody who may see the order, who may only pay it, or who has the attempt's number."""

    may_see: bool
    may_pay: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """One page about one attempt. ``order_no`` only for those who may see the order."""

    kind: str
    title: str
    sentence: str
    payment_no: str
    order_no: str | None
    support_code: str
    actions: tuple[Action, ...]
    note: str = ""  # what stays true while the sentence changes, and need not be read out again
    account: VirtualAccount | None = None
    again: str = ""  # where the page asks how it stands by now, and every how many seconds
    every: int = 2

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        return {
            "tampered": 422,
            "out_of_stock": 409,
            "superseded": 409,
            "expired": 409,
            "unreached": 503,
        }.get(self.kind, 200)


def explain_failure(code: str | None) -> str:
    """Return why an attempt did not come to a payment."""
    sentence = SENTENCES.get(code or "")
    return _(sentence) if sentence else refusals.say(code or "")


def tell(attempt: Attempt, order: Order, sight: Sight) -> Outcome:
    """Tell how an attempt stands."""
    kind, title, sentence = _verdict(attempt)
    return _outcome(attempt, order, (kind, title, sentence), sight)


def tell_deposit(attempt: Attempt, order: Order, sight: Sight, account: VirtualAccount) -> Outcome:
    """Tell where a deposit is awaited, to somebody who pays an order without seeing its page."""
    words = (
        "waiting_for_deposit",
        _("입금을 기다리고 있습니다"),
        _("아래 계좌로 기한 안에 입금해 주십시오."),
    )
    return replace(_outcome(attempt, order, words, sight), account=account)


def tell_elsewhere(attempt: Attempt, order: Order, sight: Sight) -> Outcome:
    """Tell that this order was paid in another window: what was authenticated here is never confirmed."""
    words = (
        "elsewhere",
        _("다른 곳에서 먼저 결제하셨습니다"),
        _("같은 주문의 결제가 다른 창이나 기기에서 먼저 진행되었습니다. 여기서는 결제되지 않았습니다."),
    )
    return _outcome(attempt, order, words, sight)


def tell_tampered(attempt: Attempt, order: Order, sight: Sight) -> Outcome:
    """Tell that what came back from Toss does not fit the attempt, and was not acted upon."""
    words = (
        "tampered",
        _("결제 정보를 확인할 수 없습니다"),
        _("결제되지 않았습니다. 주문 화면에서 다시 결제해 주십시오."),
    )
    return _outcome(attempt, order, words, sight)


def tell_window(attempt: Attempt, order: Order, code: str, sight: Sight) -> Outcome:
    """Tell what happened in the window of an attempt of which nothing was asked yet."""
    if code == "PAY_PROCESS_CANCELED":
        words = (
            "canceled_by_shopper",
            _("결제를 취소하셨습니다"),
            _("결제되지 않았습니다. 주문은 그대로 있습니다."),
        )
    else:
        words = ("declined", _("결제하지 못했습니다"), refusals.say(code))
    return _outcome(attempt, order, words, sight)


def tell_unreached(payment_no: str, again: str) -> Outcome:
    """Tell that nothing could be asked yet; the page comes back by itself to the address ``again``."""
    sentence = _(
        "결제를 이어서 확인하겠습니다. 이 화면이 곧 새로 고쳐집니다. 창을 닫거나 다시 결제하지 마십시오."
    )
    return Outcome(
        "unreached",
        _("잠시 연결이 원활하지 않습니다"),
        sentence,
        payment_no,
        None,
        "",
        ((_("지금 다시 확인하기"), again),),
    )


def tell_unknown(payment_no: str, again: str) -> Outcome:
    """Tell that the answer is on its way, when not even the attempt can be read."""
    title, sentence = map(_, _CHECKING)
    return Outcome("checking", title, sentence, payment_no, None, "", (), again=again)


def tell_place(place: Place, again: str) -> Outcome:
    """Tell somebody in the line that nothing is charged yet, and how many are before them.

    Who stands far behind asks more seldom: thousands who wait must not keep the shop busy with it.
    """
    before = place.before or 0
    if before:
        sentence = ngettext(
            "주문하신 분이 많아 온 순서대로 결제하고 있습니다. 앞에 %(num)s명이 있습니다.",
            "주문하신 분이 많아 온 순서대로 결제하고 있습니다. 앞에 %(num)s명이 있습니다.",
            before,
        )
    else:
        sentence = _("주문하신 분이 많아 온 순서대로 결제하고 있습니다. 곧 차례가 됩니다.")
    promise = _(
        "아직 결제되지 않았습니다. 순서는 그대로 지켜 드리며, 차례가 되면 화면을 닫아 두셔도 결제가 "
        "진행됩니다. 다시 결제하지 마십시오."
    )
    return Outcome(
        "waiting",
        _("결제 순서를 기다리고 있습니다"),
        sentence,
        place.payment_no,
        None,
        "",
        (),
        note=promise,
        again=again,
        every=min(2 + before // FURTHER, MOST_SECONDS),
    )


_CHECKING = (
    marked("결제를 확인하고 있습니다"),
    marked("승인 결과를 확인하고 있습니다. 다시 결제하지 마시고 잠시 기다려 주십시오."),
)

_BY_STATUS = {
    states.CONFIRMING: ("checking", *_CHECKING),
    states.PAID: (
        "paid",
        marked("결제가 완료되었습니다"),
        marked("주문해 주셔서 감사합니다. 정성껏 준비하겠습니다."),
    ),
    states.PARTIAL_CANCELED: (
        "paid",
        marked("결제가 완료되었습니다"),
        marked("결제하신 금액의 일부를 취소했습니다."),
    ),
    states.WAITING_FOR_DEPOSIT: (
        "waiting_for_deposit",
        marked("입금을 기다리고 있습니다"),
        marked("주문 화면의 계좌로 기한 안에 입금해 주십시오."),
    ),
    states.REVIEW: (
        "review",
        marked("결제 확인이 필요합니다"),
        marked(
            "담당자가 결제 내용을 확인하고 있습니다. 다시 결제하지 마십시오. 확인되는 대로 처리하겠습니다."
        ),
    ),
    states.EXPIRED: (
        "expired",
        marked("결제 기한이 지났습니다"),
        marked("결제되지 않았습니다. 장바구니에서 다시 주문해 주십시오."),
    ),
    states.PENDING: (
        "declined",
        marked("아직 결제되지 않았습니다"),
        marked("결제 화면에서 이어서 결제하실 수 있습니다."),
    ),
}

_BY_CODE = {
    OUT_OF_STOCK: ("out_of_stock", marked("품절된 상품이 있습니다")),
    SUPERSEDED: ("superseded", marked("이전 장바구니의 결제창입니다")),
}


def _verdict(attempt: Attempt) -> tuple[str, str, str]:
    if attempt.status in _BY_STATUS:
        kind, title, sentence = _BY_STATUS[attempt.status]
        return kind, _(title), _(sentence)
    kind, title = _BY_CODE.get(attempt.failure_code or "", ("declined", _("결제하지 못했습니다")))
    if attempt.status == states.CANCELED and kind == "declined":
        kind, title = "canceled_by_shopper", marked("취소된 결제입니다")
    return kind, _(title), explain_failure(attempt.failure_code)


def _outcome(attempt: Attempt, order: Order, words: tuple[str, str, str], sight: Sight) -> Outcome:
    kind, title, sentence = words
    return Outcome(
        kind=kind,
        title=title,
        sentence=sentence,
        payment_no=attempt.payment_no,
        order_no=order.order_no if sight.may_see else None,
        support_code=attempt.payment_no[:8] if kind in {"tampered", "review"} else "",
        actions=tuple(_actions(kind, order, sight)),
        again=f"/payments/toss/return/{attempt.payment_no}/status" if kind == "checking" else "",
    )


def _actions(kind: str, order: Order, sight: Sight) -> list[Action]:
    if kind == "checking":
        return []
    if kind in {"out_of_stock", "superseded", "expired"} and (sight.may_see or not sight.may_pay):
        return [(_("장바구니 보기"), "/cart")]
    retry = kind in {"declined", "tampered", "canceled_by_shopper"} and order.status == "PENDING"
    again = [(_("다시 결제하기"), f"/orders/{order.order_no}/payment")] if retry and sight.may_pay else []
    if sight.may_see:
        return [*again, (_("주문 보기"), f"/orders/{order.order_no}")]
    return again or [(_("주문 조회"), "/orders/lookup"), (_("처음으로"), "/")]
