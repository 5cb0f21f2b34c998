"""An order as the shop works with it: what was bought, for how much, for whom. Nothing here changes."""

from dataclasses import dataclass
from datetime import datetime

from app.core.languages import find, ngettext


class SlotTakenError(Exception):
    """The owner's open slot was taken at the same moment (or, once in an age, the order number was)."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order, with name and price as they were."""

    product_id: int
    name: str
    option_label: str
    image: str
    price: int
    quantity: int

    @property
    def amount(self) -> int:
        """The line's price in won."""
        return self.price * self.quantity

    @property
    def picture(self) -> str:
        """The address of the picture."""
        return f"/pictures/{self.image}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the goods, and where."""

    recipient_name: str
    recipient_phone: str
    postcode: str
    address1: str
    address2: str
    delivery_note: str


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order about to be placed."""

    owner: str
    user_id: int | None
    cart_stamp: int
    lines: tuple[OrderLine, ...]
    delivery_fee: int
    recipient: Recipient
    expires_at: datetime

    @property
    def items_price(self) -> int:
        """The goods' price in won."""
        return sum(line.amount for line in self.lines)

    @property
    def total_price(self) -> int:
        """What is to be paid, in won."""
        return self.items_price + self.delivery_fee

    @property
    def total_quantity(self) -> int:
        """How many goods."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Order:
    """A placed order."""

    order_id: int
    order_no: str
    owner: str
    user_id: int | None
    cart_stamp: int
    status: str
    total_quantity: int
    items_price: int
    delivery_fee: int
    total_price: int
    recipient: Recipient
    expires_at: datetime
    paid_at: datetime | None
    created_at: datetime
    lines: tuple[OrderLine, ...]

    @property
    def name(self) -> str:
        """What Toss and the shopper's bank call it, at most 100 units of UTF-16, as a browser counts."""
        others = len(self.lines) - 1
        more = ngettext(" 외 %(num)s건", " 외 %(num)s건", others) if others else ""
        units = find(self.lines[0].name).encode("utf-16-le")[: 2 * (100 - len(more))]
        return units.decode("utf-16-le", "ignore") + more

    @property
    def wanted(self) -> list[tuple[int, int]]:
        """The goods to hold, as (product_id, quantity)."""
        return [(line.product_id, line.quantity) for line in self.lines]
