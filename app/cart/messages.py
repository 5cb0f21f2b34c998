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
    """Redis lost its history; when this has passed the queue, the database has every edit before it."""

    TYPE: ClassVar[str] = "cart.barrier_raised"

    barrier: str
