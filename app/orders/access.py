"""Who may see an order: its owner, or a guest who named its number and telephone. Who may pay it; pure."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import epoch_us
from app.orders.order import Order

PASS_COOKIE = "order_pass"  # noqa: S105 - a cookie's name
PASS_LIFE = timedelta(hours=12)
# What a handed-over payment is opened with, on whatever device. It opens the payment and nothing else.
PAYMENT_PASS_COOKIE = "payment_pass"  # noqa: S105 - a cookie's name
PAYMENT_PASS_LIFE = timedelta(minutes=30)

PARTS = 3
SEEING, PAYING = "order", "payment"


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a request shows for itself: its owner ('' for nobody), its order pass, its payment pass ('')."""

    owner: str
    order_pass: str
    payment_pass: str = ""


def issue_pass(secret_key: str, order_no: str, now: datetime) -> str:
    """Return a pass for one order: its number, when the pass ends, and our seal on both."""
    return _issue(secret_key, SEEING, order_no, now + PASS_LIFE)


def issue_payment_pass(secret_key: str, order: Order, now: datetime) -> tuple[str, datetime]:
    """Return a pass by which one order may be paid, and when it ends: with the order, or sooner."""
    ends_at = min(order.expires_at, now + PAYMENT_PASS_LIFE)
    return _issue(secret_key, PAYING, order.order_no, ends_at), ends_at


def may_see(order: Order, visitor: Visitor, secret_key: str, now: datetime) -> bool:
    """Whether this visitor may see this order with everything in it."""
    if visitor.owner and visitor.owner == order.owner:
        return True
    return _opens(secret_key, SEEING, visitor.order_pass, order, now)


def may_pay(order: Order, visitor: Visitor, secret_key: str, now: datetime) -> bool:
    """Whether this visitor may pay this order; that alone shows nothing of whom and where it goes to."""
    return may_see(order, visitor, secret_key, now) or _opens(
        secret_key, PAYING, visitor.payment_pass, order, now
    )


def read_order_no(payment_pass: str) -> str:
    """Return the number of the order that a payment pass is about; nothing is checked yet."""
    return payment_pass.partition(".")[0]


def _issue(secret_key: str, purpose: str, order_no: str, ends_at: datetime) -> str:
    ends = epoch_us(ends_at) // 1_000_000
    return f"{order_no}.{ends}.{_seal(secret_key, purpose, order_no, str(ends))}"


def _opens(secret_key: str, purpose: str, shown: str, order: Order, now: datetime) -> bool:
    parts = shown.split(".")
    if len(parts) != PARTS or parts[0] != order.order_no or not (parts[1].isascii() and parts[1].isdigit()):
        return False
    order_no, ends, seal = parts
    genuine = hmac.compare_digest(seal.encode(), _seal(secret_key, purpose, order_no, ends).encode())
    return genuine and int(ends) > epoch_us(now) // 1_000_000


def _seal(secret_key: str, purpose: str, order_no: str, ends: str) -> str:
    sealed = f"{purpose}\0{order_no}\0{ends}".encode()
    return hmac.new(secret_key.encode(), sealed, hashlib.sha256).hexdigest()
