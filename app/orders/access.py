"""Who may see an order: its owner, or a guest who named its number and telephone; pure."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import epoch_us
from app.orders.order import Order

PASS_COOKIE = "order_pass"  # noqa: S105 - a cookie's name
PASS_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a request shows for itself: its owner ('' for nobody) and its order pass ('' for none)."""

    owner: str
    order_pass: str


def issue_pass(secret_key: str, order_no: str, now: datetime) -> str:
    """Return a pass for one order: its number, when the pass ends, and our seal on both."""
    ends = epoch_us(now + PASS_LIFE) // 1_000_000
    return f"{order_no}.{ends}.{_seal(secret_key, order_no, str(ends))}"


def may_see(order: Order, visitor: Visitor, secret_key: str, now: datetime) -> bool:
    """Whether this visitor may see this order with everything in it."""
    if visitor.owner and visitor.owner == order.owner:
        return True
    order_no, ends, seal = (*visitor.order_pass.split("."), "", "", "")[:3]
    if order_no != order.order_no or not (ends.isascii() and ends.isdigit()):
        return False
    genuine = hmac.compare_digest(seal.encode(), _seal(secret_key, order_no, ends).encode())
    return genuine and int(ends) > epoch_us(now) // 1_000_000


def _seal(secret_key: str, order_no: str, ends: str) -> str:
    return hmac.new(secret_key.encode(), f"order\0{order_no}\0{ends}".encode(), hashlib.sha256).hexdigest()
