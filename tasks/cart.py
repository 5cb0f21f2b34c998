"""What the cart does when something happened."""

from typing import cast

from app.cart import service
from app.cart.messages import CartBarrierRaised, CartChanged
from app.cart.snapshot import Snapshot
from app.core.message import BadMessageError, Message
from app.machines import Machines
from app.orders.messages import OrderPaid


async def on_cart_messages(m: Machines, batch: list[Message]) -> None:
    """Write a batch of snapshots to the database, then let a barrier among them pass."""
    changed = [message for message in batch if isinstance(message, CartChanged)]
    snapshots = [_read(cart) for message in changed for cart in message.carts]
    if snapshots:
        await service.persist(m, snapshots, by="message")
    for life in {message.barrier for message in batch if isinstance(message, CartBarrierRaised)}:
        await service.pass_barrier(m, life)


async def on_order_paid(m: Machines, batch: list[Message]) -> None:
    """Empty the hot cart of what was paid for; the database's cart is empty of it already."""
    for message in cast("list[OrderPaid]", batch):
        await service.clear_paid_hot(m, message.owner, message.cart_stamp)


def _read(content: object) -> Snapshot:
    try:
        return Snapshot.from_json(cast("dict[str, object]", content))
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessageError(f"no snapshot: {error}") from error
