"""What an operator sees of payments: what waits for a person, and one attempt with all that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.errors import NotFoundError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import states, store
from app.payments.attempt import Attempt
from app.payments.books import store as books
from app.payments.books.compare import LABELS as DIFFERENCES
from app.payments.books.store import Difference
from app.payments.refunds import store as refund_store
from app.payments.refunds.refund import LABELS as REFUNDS
from app.payments.refunds.refund import REFUSED, Refund
from app.payments.refunds.service import REFUNDABLE

SHOWN = 100
VIRTUAL_ACCOUNT = marked("가상계좌")


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One attempt that waits for a person."""

    web_payment_id: int
    order_no: str
    total_price: int
    code: str
    confirming_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundRow:
    """One refund as it stands."""

    web_payment_id: int
    amount: int
    reason: str
    is_refused: bool
    label: str
    failure_code: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One thing the books do not agree about."""

    day: str
    label: str
    subject: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What waits for a person."""

    reviews: Sequence[ReviewRow]
    refunds: Sequence[RefundRow]
    differences: Sequence[DifferenceRow]


@dataclass(frozen=True, slots=True)
class Case:
    """One attempt. ``refundable`` is what can still be promised of it; 0 where nothing can."""

    web_payment_id: int
    order_no: str
    order_label: str
    payment_no: str
    label: str
    code: str
    total_price: int
    confirming_at: datetime | None
    toss_status: str
    method: str
    total_amount: int
    refunded_amount: int
    refundable: int
    needs_account: bool
    can_ask: bool
    refunds: Sequence[RefundRow]


async def read_desk(tx: Tx) -> Desk:
    """Return what waits for a person, each list at most SHOWN long."""
    reviews = [await _review(tx, each) for each in await store.select_in_state(tx, states.REVIEW, SHOWN)]
    refunds = [_refund(each) for each in await refund_store.select_undone(tx, SHOWN)]
    return Desk(reviews, refunds, [_difference(*each) for each in await books.select_differences(tx, SHOWN)])


async def read_case(tx: Tx, web_payment_id: int) -> Case:
    """Return one attempt. Raises NotFoundError."""
    attempt = await store.find_attempt(tx, web_payment_id)
    if attempt is None:
        raise NotFoundError("attempt", say=_("결제를 찾을 수 없습니다."))
    order = await orders.read_order(tx, attempt.order_id)
    kept = await store.select_kept(tx, web_payment_id)
    return Case(
        web_payment_id=web_payment_id,
        order_no=order.order_no,
        order_label=order_states.LABELS[order.status],
        payment_no=attempt.payment_no,
        label=states.LABELS[attempt.status],
        code=attempt.failure_code or "",
        total_price=attempt.total_price,
        confirming_at=attempt.confirming_at,
        toss_status=kept.status if kept else "",
        method=(kept.method if kept else None) or "",
        total_amount=kept.total_amount if kept else 0,
        refunded_amount=kept.refunded_amount if kept else 0,
        refundable=kept.left_amount if kept and attempt.status in REFUNDABLE else 0,
        needs_account=bool(kept and kept.method == VIRTUAL_ACCOUNT),
        can_ask=attempt.status != states.PENDING,
        refunds=[_refund(each) for each in await refund_store.select_of_payment(tx, web_payment_id)],
    )


async def _review(tx: Tx, attempt: Attempt) -> ReviewRow:
    order = await orders.read_order(tx, attempt.order_id)
    return ReviewRow(
        attempt.web_payment_id,
        order.order_no,
        attempt.total_price,
        attempt.failure_code or "",
        attempt.confirming_at,
    )


def _refund(refund: Refund) -> RefundRow:
    return RefundRow(
        refund.web_payment_id,
        refund.amount,
        refund.reason,
        refund.status == REFUSED,
        REFUNDS[refund.status],
        refund.failure_code or "",
        refund.created_at,
    )


def _difference(day: str, found: Difference) -> DifferenceRow:
    return DifferenceRow(day, DIFFERENCES[found.kind], found.subject, found.ours, found.theirs)
