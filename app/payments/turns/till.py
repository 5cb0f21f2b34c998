"""The till: payments that Toss confirms at the same moment come into our books in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.cart import service as carts
from app.core.errors import DatabaseUnavailableError
from app.infra.db import Tx
from app.infra.line import Line
from app.infra.log import trace
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.orders.order import Order
from app.payments import settle, states
from app.payments import store as payments
from app.payments.attempt import Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.turns import store

AT_ONCE = 32
GATHER_SECONDS = 0.008  # nobody feels it beside what asking Toss takes, and it halves the transactions


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as Toss has made it, the attempt and the order it is for, and whose request it was.

    ``settled`` is True once it is in our books; False when it must be brought there by itself.
    """

    attempt: Attempt
    order: Order
    payment: TossPayment
    settled: asyncio.Future[bool]
    trace: str = field(default_factory=trace.get)


class _ApartError(Exception):
    """It cannot be for all of them together. Rolls the transaction back."""


class Till:
    """Those who have paid, in this process; one transaction at a time, so that others gather meanwhile."""

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._line = Line(m.background, self._settle, width=1, batch=AT_ONCE, gather=GATHER_SECONDS)

    async def settle(self, attempt: Attempt, order: Order, payment: TossPayment) -> bool:
        """Bring a payment into our books with those of the same moment, and empty the cart.

        False when that could not be: it may have happened or not, which its own step finds out.
        """
        unpaid = attempt.status == states.CONFIRMING and order.status == order_states.PENDING
        if not unpaid or judge(attempt, payment) is not Standing.DONE:
            return False
        paid = Paid(attempt, order, payment, asyncio.get_running_loop().create_future())
        self._line.join(None, paid)
        if not await paid.settled:
            return False
        settle.count(states.PAID)
        await settle.clear_hot_cart(self._m, order)
        return True

    async def _settle(self, together: list[Paid]) -> None:
        done = False
        try:
            await self._m.db.reserve.retrying(lambda tx: _pay(tx, together))
            done = True
        except (_ApartError, DatabaseUnavailableError):
            pass  # each by itself, as far as that goes
        finally:
            for paid in together:
                if not paid.settled.done():
                    paid.settled.set_result(done)


async def _pay(tx: Tx, together: Sequence[Paid]) -> None:
    """What ``settle.pay`` does, for several; each must be where it was read. Raises _ApartError."""
    ordered = sorted(together, key=lambda paid: paid.attempt.web_payment_id)
    if await store.update_to_paid(tx, [paid.attempt for paid in ordered]) != len(ordered):
        raise _ApartError
    await payments.upsert_toss_payments(tx, [(paid.attempt, paid.payment) for paid in ordered])
    if not await orders.mark_all_paid(tx, [(paid.order, paid.trace) for paid in ordered]):
        raise _ApartError
    await carts.clear_all_paid(tx, [(paid.order.owner, paid.order.cart_stamp) for paid in ordered])
