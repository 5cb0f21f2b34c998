"""One refund: how it is told to Toss, and how it is found again in what Toss says; pure."""

import json
from dataclasses import dataclass
from datetime import datetime

from app.audit.service import Actor
from app.core.languages import marked
from app.payments.payment import Cancellation, TossPayment
from app.payments.toss import RefundAccount

REQUESTED = "REQUESTED"
DONE = "DONE"
REFUSED = "REFUSED"
LABELS = {REQUESTED: marked("환불 중"), DONE: marked("환불 완료"), REFUSED: marked("환불 거절")}

REASON_LENGTH = 150  # Toss takes 200 characters, and the mark needs some
MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What an operator asks for; ``refund_id`` comes with the form: sending it twice is one refund.

    ``requested_by`` is None where the shop itself returns what must not stay.
    """

    refund_id: str
    amount: int
    reason: str
    account: RefundAccount | None
    requested_by: Actor | None


@dataclass(frozen=True, slots=True)
class Refund:
    """A row of refunds as it was read."""

    refund_id: str
    web_payment_id: int
    amount: int
    reason: str
    status: str
    failure_code: str | None
    idempotency_key: str
    account: RefundAccount | None
    next_check_at: datetime | None
    created_at: datetime

    @property
    def mark(self) -> str:
        """The tail by which Toss's list of cancellations tells this refund from every other."""
        return f" #{self.refund_id[:MARK_LENGTH]}"

    @property
    def told_reason(self) -> str:
        """The reason as Toss is told it."""
        return f"{self.reason[:REASON_LENGTH]}{self.mark}"

    def find_in(self, payment: TossPayment) -> Cancellation | None:
        """Return Toss's record of this refund; None while it has not happened."""
        return next((each for each in payment.cancellations if each.reason.endswith(self.mark)), None)


def write_account(account: RefundAccount | None) -> str | None:
    """Write an account as the row keeps it until the refund is decided."""
    if account is None:
        return None
    return json.dumps([account.bank, account.account_number, account.holder_name], ensure_ascii=False)


def read_account(text: str | None) -> RefundAccount | None:
    """Read an account back."""
    return RefundAccount(*json.loads(text)) if text else None
