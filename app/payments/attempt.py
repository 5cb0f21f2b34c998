"""One attempt to pay an order, and what Toss's answer means for it; pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from app.payments.payment import TossPayment

CURRENCY = "KRW"

# Why an attempt ended, where it was not Toss who said so. Toss's own codes stand beside these.
OUT_OF_STOCK = "OUT_OF_STOCK"
SUPERSEDED = "SUPERSEDED"
CANCELED_BY_SHOPPER = "CANCELED_BY_SHOPPER"
REPLACED = "REPLACED"
RETURNED = "RETURNED"
CANCELED_AT_TOSS = "CANCELED_AT_TOSS"
DEPOSIT_REVERSED = "DEPOSIT_REVERSED"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of web_payments as it was read."""

    web_payment_id: int
    order_id: int
    payment_no: str
    status: str
    user_id: int | None
    signup_id: str | None
    total_quantity: int
    total_price: int
    customer_name: str
    customer_phone: str
    payment_key: str | None
    idempotency_key: str | None
    failure_code: str | None
    confirming_at: datetime | None
    checks: int


class Standing(Enum):
    """Where Toss's payment stands, seen from the attempt."""

    DONE = "paid as asked"
    WAITING = "an account was given out, no deposit yet"
    DEAD = "nobody is charged, and nobody will be"
    OPEN = "not decided yet"
    STRANGER = "another order's payment"
    WRONG = "money moved, but not as asked"


def judge(attempt: Attempt, payment: TossPayment) -> Standing:
    """Say what Toss's answer means for this attempt. Only DONE with every field equal is a payment."""
    if payment.order_id != attempt.payment_no:
        return Standing.STRANGER
    if payment.status in {"ABORTED", "EXPIRED", "CANCELED"}:
        return Standing.DEAD
    if payment.status in {"READY", "IN_PROGRESS"}:
        return Standing.OPEN
    equal = (
        payment.total_amount == attempt.total_price
        and payment.currency == CURRENCY
        and attempt.payment_key in {None, payment.payment_key}
    )
    if not equal:
        return Standing.WRONG
    return {"DONE": Standing.DONE, "WAITING_FOR_DEPOSIT": Standing.WAITING}.get(
        payment.status, Standing.WRONG
    )
