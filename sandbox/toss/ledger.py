"""The sandbox's books: every payment, every move of it, every won charged or returned."""

import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.toss.clock import Clock
from sandbox.toss.codes import Refusal, sentence
from sandbox.toss.payment import Account, Json, Payment, Wish, iso, issue_account

WINDOW_OPEN = timedelta(minutes=30)
CONFIRM_WITHIN = timedelta(minutes=10)

TRANSITIONS = {
    ("READY", "IN_PROGRESS"),
    ("READY", "EXPIRED"),
    ("READY", "WAITING_FOR_DEPOSIT"),
    ("IN_PROGRESS", "EXPIRED"),
    ("IN_PROGRESS", "DONE"),
    ("IN_PROGRESS", "ABORTED"),
    ("READY", "ABORTED"),
    ("WAITING_FOR_DEPOSIT", "DONE"),
    ("WAITING_FOR_DEPOSIT", "CANCELED"),
    ("DONE", "WAITING_FOR_DEPOSIT"),
    ("DONE", "CANCELED"),
    ("DONE", "PARTIAL_CANCELED"),
    ("PARTIAL_CANCELED", "PARTIAL_CANCELED"),
    ("PARTIAL_CANCELED", "CANCELED"),
}
APPROVED = {"DONE", "PARTIAL_CANCELED", "CANCELED", "WAITING_FOR_DEPOSIT"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money (or a virtual account given out, which moves none)."""

    transaction_key: str
    payment: Payment
    kind: str  # issue, charge, cancel, deposit_error
    amount: int
    at: datetime
    status: str


@dataclass(slots=True)
class Ledger:
    """All payments of one merchant. One event loop touches it, and no method awaits: no locks are needed."""

    clock: Clock
    announce: Callable[[Payment], None]
    payments: dict[str, Payment] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def create(self, wish: Wish) -> Payment:
        """Open a payment: the buyer is on the way to the window."""
        now = self.clock.now()
        key = f"tgen_{now:%Y%m%d%H%M%S}{_random(5)}"
        while key in self.payments:
            key = f"tgen_{now:%Y%m%d%H%M%S}{_random(5)}"
        payment = Payment(key, wish, wish.amount, wish.amount, f"ps_{_random(30)}", now)
        self.payments[key] = payment
        return payment

    def find(self, payment_key: str) -> Payment | None:
        """Look up by Toss's key."""
        payment = self.payments.get(payment_key)
        return self._aged(payment) if payment else None

    def find_order(self, order_id: str) -> Payment | None:
        """Look up by the merchant's number: the approved payment of it, else the latest."""
        found = [self._aged(p) for p in self.payments.values() if p.wish.order_id == order_id]
        approved = [p for p in found if p.status in APPROVED]
        return next(reversed(approved or found), None)

    def authenticate(self, payment: Payment) -> None:
        """The buyer proved who they are; the merchant has ten minutes to confirm."""
        if self._aged(payment).status != "READY" or payment.authenticated_at:
            return
        payment.authenticated_at = self.clock.now()
        if payment.wish.method != "VIRTUAL_ACCOUNT":
            self._move(payment, "IN_PROGRESS")

    def check_confirm(self, payment_key: str, order_id: str, amount: int, mismatch: str) -> Payment:
        """Return the payment that may be approved now, or refuse as the API does."""
        payment = self.find(payment_key)
        if payment is None or payment.authenticated_at is None or payment.status == "EXPIRED":
            raise Refusal("NOT_FOUND_PAYMENT_SESSION")
        if payment.wish.order_id != order_id:
            raise Refusal("FORBIDDEN_REQUEST")
        if payment.status not in {"READY", "IN_PROGRESS"}:
            raise Refusal("ALREADY_PROCESSED_PAYMENT")
        if payment.confirming:
            raise Refusal("ALREADY_PROCESSING_REQUEST")
        if amount != payment.wish.amount:
            raise Refusal(mismatch)
        other = self.find_order(order_id)
        if other and other is not payment and other.status in APPROVED:
            raise Refusal("DUPLICATED_ORDER_ID")
        return payment

    def approve(self, payment: Payment, total: int | None = None) -> None:
        """Charge the buyer, or hand out the virtual account; `total` is a fault's other amount."""
        payment.total = payment.balance = total or payment.total
        if payment.wish.method == "VIRTUAL_ACCOUNT":
            payment.account = issue_account(f"X{secrets.randbelow(10**13):013d}", self.clock.now())
            self._book(payment, "issue", payment.total, "WAITING_FOR_DEPOSIT")
        else:
            payment.approved_at = self.clock.now()
            self._book(payment, "charge", payment.total, "DONE")

    def abort(self, payment: Payment, code: str) -> None:
        """Refuse for good: declined in the window or at the confirm."""
        payment.failure = {"code": code, "message": sentence(code)}
        self._move(payment, "ABORTED")

    def deposit(self, payment: Payment) -> None:
        """The buyer's money arrives on the virtual account."""
        account = _account(payment)
        if payment.status != "WAITING_FOR_DEPOSIT":
            raise Refusal("NOT_CANCELABLE_PAYMENT")
        account.depositor = payment.wish.customer_name
        payment.approved_at = self.clock.now()
        self._book(payment, "charge", payment.total, "DONE")

    def deposit_error(self, payment: Payment) -> None:
        """The bank takes the deposit back: DONE returns to WAITING_FOR_DEPOSIT."""
        account = _account(payment)
        if payment.status != "DONE":
            raise Refusal("NOT_CANCELABLE_PAYMENT")
        account.depositor, payment.approved_at = None, None
        self._book(payment, "deposit_error", payment.total, "WAITING_FOR_DEPOSIT")

    def cancel(self, payment: Payment, asked: Json) -> None:
        """Give back all or a part; `asked` is the checked body of the cancel call."""
        amount = asked.get("cancelAmount")
        amount = payment.balance if amount is None else amount
        _check_cancel(payment, amount, asked)
        if not isinstance(amount, int):
            raise Refusal("INVALID_REQUEST")
        refund = asked.get("refundReceiveAccount")
        if payment.account and isinstance(refund, dict):
            payment.account.refund = {
                "bankCode": refund["bank"],
                "accountNumber": refund["accountNumber"],
                "holderName": refund["holderName"],
            }
        paid_before = payment.approved_at is not None
        payment.balance -= amount
        entry = _cancel_entry(payment, amount, asked, self.clock.now())
        payment.cancels.append(entry)
        status = "PARTIAL_CANCELED" if payment.balance else "CANCELED"
        self._book(payment, "cancel" if paid_before else "void", amount, status)
        entry["transactionKey"] = payment.last_transaction_key

    def expire_old(self) -> None:
        """Let the clock run out on windows and authentications."""
        for payment in self.payments.values():
            self._aged(payment)

    def expire(self, payment: Payment) -> None:
        """Let a payment's time run out at once."""
        payment.failure = {"code": "EXPIRED_PAYMENT", "message": sentence("EXPIRED_PAYMENT")}
        self._move(payment, "EXPIRED")

    def charged(self) -> dict[str, int]:
        """Count the charges of each order and of each payment key."""
        counts: dict[str, int] = {}
        for entry in self._entries("charge"):
            for name in (entry.payment.wish.order_id, entry.payment.payment_key):
                counts[name] = counts.get(name, 0) + 1
        return counts

    def kept(self) -> dict[str, int]:
        """Sum what the merchant holds of each order, in won: charged less returned."""
        sums: dict[str, int] = {}
        for kind, sign in (("charge", 1), ("cancel", -1), ("deposit_error", -1)):
            for entry in self._entries(kind):
                order_id = entry.payment.wish.order_id
                sums[order_id] = sums.get(order_id, 0) + sign * entry.amount
        return sums

    def _entries(self, kind: str) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.kind == kind)

    def _aged(self, payment: Payment) -> Payment:
        now = self.clock.now()
        authenticated = payment.authenticated_at
        late = (
            now - authenticated > CONFIRM_WITHIN
            if authenticated
            else now - payment.requested_at > WINDOW_OPEN
        )
        if payment.status in {"READY", "IN_PROGRESS"} and late and not payment.confirming:
            self.expire(payment)
        return payment

    def _book(self, payment: Payment, kind: str, amount: int, status: str) -> None:
        payment.last_transaction_key = secrets.token_hex(16).upper()
        now = self.clock.now()
        self.entries.append(Entry(payment.last_transaction_key, payment, kind, amount, now, status))
        self._move(payment, status)

    def _move(self, payment: Payment, status: str) -> None:
        if (payment.status, status) not in TRANSITIONS:
            raise ValueError(f"{payment.status} never becomes {status}")
        payment.status = status
        if status != "IN_PROGRESS":
            self.announce(payment)


def _account(payment: Payment) -> Account:
    if payment.account is None:
        raise Refusal("INVALID_REQUEST")
    return payment.account


def _check_cancel(payment: Payment, amount: object, asked: Json) -> None:
    waiting = payment.status == "WAITING_FOR_DEPOSIT"
    refundable = asked.get("refundableAmount")
    if payment.status == "CANCELED":
        raise Refusal("ALREADY_CANCELED_PAYMENT")
    if payment.status not in {"DONE", "PARTIAL_CANCELED", "WAITING_FOR_DEPOSIT"}:
        raise Refusal("NOT_CANCELABLE_PAYMENT")
    if not isinstance(amount, int) or amount <= 0:
        raise Refusal("INVALID_REQUEST")
    if waiting and amount != payment.balance:
        raise Refusal("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT")
    if refundable is not None and refundable != payment.balance:
        raise Refusal("NOT_MATCHES_REFUNDABLE_AMOUNT")
    if amount > payment.balance:
        raise Refusal("NOT_CANCELABLE_AMOUNT")
    if payment.account and not waiting and "refundReceiveAccount" not in asked:
        raise Refusal("INVALID_REQUEST")  # the real code is not documented


def _cancel_entry(payment: Payment, amount: int, asked: Json, now: datetime) -> Json:
    return {
        "transactionKey": None,
        "cancelReason": asked["cancelReason"],
        "taxExemptionAmount": 0,
        "canceledAt": iso(now),
        "cardDiscountAmount": 0,
        "transferDiscountAmount": 0,
        "easyPayDiscountAmount": 0,
        "receiptKey": None,
        "cancelAmount": amount,
        "taxFreeAmount": 0,
        "refundableAmount": payment.balance,
        "cancelStatus": "DONE",
        "cancelRequestId": None,
    }


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
