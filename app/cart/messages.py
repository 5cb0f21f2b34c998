"""What the cart announces."""

from dataclasses import dataclass
from typing import Any, ClassVar

from app.core.message import Message


@dataclass(frozen=True, slots=True)
class CartChanged(Message):
    """These carts stand as their snapshots say. One message carries the edits of one tick."""

    TYPE: ClassVar[str] = "cart.changed"

    carts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CartBarrierRaised(Message):
    """Redis began anew; when this has passed the queue, the database has every edit before it.

    ``barrier`` is the life of Redis (its run id) that may have carts loaded then: a later one may not.
    """

    TYPE: ClassVar[str] = "cart.barrier_raised"

    barrier: str
