"""The bytes by which the proxies know an instant: what a process sends just before, or is answered."""

from app.cart.hot import HotCarts
from app.machines import Machines

CONFIRM = b"/v1/payments/confirm"
PUBLISH_CART = b"\x00\x3c\x00\x28\x00\x00\x06madang\x0ccart.changed"  # basic.publish, exchange, routing key
ACKNOWLEDGE = b"\x00\x3c\x00\x50"  # basic.ack


def script(m: Machines, name: str) -> bytes:
    """Return the name under which Redis is asked to run one of the cart's scripts."""
    sha: str = m.keep(HotCarts)._scripts[name].sha
    return sha.encode()
