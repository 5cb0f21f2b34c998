"""What orders announce."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.message import Message


@dataclass(frozen=True, slots=True)
class OrderPaid(Message):
    """An order is paid; ``cart_stamp`` says which cart of its ``owner`` that was."""

    TYPE: ClassVar[str] = "order.paid"

    order_no: str
    owner: str
    cart_stamp: int

    @property
    def key(self) -> str:
        """The order."""
        return self.order_no
