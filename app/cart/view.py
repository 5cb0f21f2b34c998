"""The cart as the shopper sees it: priced, and honest about stock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from app.cart.snapshot import SnapLine, Snapshot
from app.catalog.product import Product
from app.core.blanks import Filled
from app.core.languages import _
from app.core.money import format_won
from app.settings import Settings

MAX_QUANTITY = 99
NOTHING_KNOWN: Mapping[int, int] = MappingProxyType({})


class CartLine(NamedTuple):
    """One line: what it is, what it costs now, and whether it can be had."""

    product_id: int
    name: str
    option_label: str
    picture: str
    price: int
    list_price: int | None
    quantity: int
    stock: int
    state: str  # ok, short (fewer left than wanted), sold_out, gone (no longer sold)
    price_then: int = 0  # when it was put in, where that is known and differs from now; else 0

    @property
    def amount(self) -> int:
        """The line's price in won."""
        return self.price * self.quantity

    @property
    def max_quantity(self) -> int:
        """The most that can be had."""
        return min(self.stock, MAX_QUANTITY)

    @property
    def most_typed(self) -> int:
        """The most the field takes: more than there is goes to the server, which says how much there is."""
        return MAX_QUANTITY

    def shown(self) -> dict[str, Any]:
        """Return what its partial is drawn of: the line without its figures, which are filled in."""
        stock = self.stock if self.state == "short" else 0  # else it is not said
        return {
            "line": self._replace(quantity=0, stock=stock),
            "quantity": Filled(self.quantity),
            "less": Filled(max(self.quantity - 1, 1)),
            "more": Filled(min(self.quantity + 1, self.max_quantity)),
            "amount": Filled(format_won(self.amount)),
        }


@dataclass(frozen=True, slots=True)
class Undo:
    """The line removed last, which one press brings back."""

    product_id: int
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CartView:
    """The whole cart with its totals in won. ``stamp`` says which cart this was."""

    owner: str
    stamp: int
    lines: tuple[CartLine, ...]
    total_quantity: int
    items_price: int
    delivery_fee: int
    missing_for_free_delivery: int
    undo: Undo | None

    @property
    def total_price(self) -> int:
        """What the shopper would pay."""
        return self.items_price + self.delivery_fee

    @property
    def can_checkout(self) -> bool:
        """Whether every line can be had as it stands."""
        return bool(self.lines) and all(line.state == "ok" for line in self.lines)

    def sums(self) -> dict[str, Any]:
        """Return what the sums' partial is drawn of; its figures are filled in."""
        return {
            "is_empty": not self.lines,
            "can_checkout": self.can_checkout,
            "misses": self.missing_for_free_delivery > 0,
            "items": Filled(format_won(self.items_price)),
            "delivery": Filled(format_won(self.delivery_fee) if self.delivery_fee else _("무료")),
            "total": Filled(format_won(self.total_price)),
            "missing": Filled(format_won(self.missing_for_free_delivery)),
            "most": Filled(self.items_price + self.missing_for_free_delivery),
            "reached": Filled(self.items_price),
        }

    def line(self, product_id: int) -> CartLine | None:
        """Return the line of a product, if it is in the cart."""
        return next((line for line in self.lines if line.product_id == product_id), None)


def delivery_fee(items_price: int, settings: Settings) -> int:
    """Return the delivery fee in won for goods of that price."""
    return 0 if items_price >= settings.free_delivery_from or items_price == 0 else settings.delivery_fee


def show(
    snapshot: Snapshot,
    removed: SnapLine | None,
    products: Mapping[int, Product],
    settings: Settings,
    prices_then: Mapping[int, int] = NOTHING_KNOWN,
) -> CartView:
    """Price a snapshot with what the catalogue says now; ``prices_then`` is what goods cost when put in."""
    lines = tuple(_lines(snapshot.live, products, prices_then))
    items_price = sum(line.amount for line in lines if line.state not in {"sold_out", "gone"})
    fee = delivery_fee(items_price, settings)
    known = products.get(removed.product_id) if removed else None
    return CartView(
        owner=snapshot.owner,
        stamp=snapshot.last,
        lines=lines,
        total_quantity=sum(line.quantity for line in lines),
        items_price=items_price,
        delivery_fee=fee,
        missing_for_free_delivery=max(0, settings.free_delivery_from - items_price) if fee else 0,
        undo=Undo(removed.product_id, known.name, removed.quantity) if removed and known else None,
    )


def _lines(
    live: Iterable[SnapLine], products: Mapping[int, Product], prices_then: Mapping[int, int]
) -> Iterable[CartLine]:
    for line in live:
        product = products.get(line.product_id)
        if product is None:
            yield CartLine(line.product_id, _("판매가 끝난 상품"), "", "", 0, None, line.quantity, 0, "gone")
            continue
        then = prices_then.get(line.product_id, 0)
        yield CartLine(
            product_id=line.product_id,
            name=product.name,
            option_label=product.option_label,
            picture=product.picture,
            price=product.price,
            list_price=product.list_price,
            quantity=line.quantity,
            stock=product.quantity,
            state=_state(product.quantity, line.quantity),
            price_then=then if then != product.price else 0,
        )


def _state(stock: int, wanted: int) -> str:
    if stock == 0:
        return "sold_out"
    return "short" if stock < wanted else "ok"
