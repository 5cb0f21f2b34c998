"""What a cart costs as an order: priced by the database, frozen line by line; pure."""

from collections.abc import Mapping

from app.cart.snapshot import Snapshot
from app.cart.view import CartView
from app.cart.view import show as show_cart
from app.catalog.product import Product
from app.orders.order import Order, OrderLine
from app.settings import Settings


def price(snapshot: Snapshot, products: Mapping[int, Product], settings: Settings) -> CartView:
    """Return the cart with the same arithmetic the cart's own page uses: one price everywhere."""
    return show_cart(snapshot, None, products, settings)


def drop_paid(snapshot: Snapshot, paid_stamp: int) -> Snapshot:
    """Return the cart without what an order up to ``paid_stamp`` has paid for.

    Redis may still show it for a moment when it was away while the payment was settled.
    """
    lines = tuple(line for line in snapshot.lines if line.stamp > paid_stamp)
    return Snapshot(snapshot.owner, snapshot.last, snapshot.cleared, lines)


def freeze(cart: CartView, products: Mapping[int, Product]) -> tuple[OrderLine, ...]:
    """Return the lines of an order with names and prices as they are now."""
    return tuple(
        OrderLine(
            product_id=line.product_id,
            name=line.name,
            option_label=line.option_label,
            image=products[line.product_id].image,
            price=line.price,
            quantity=line.quantity,
        )
        for line in cart.lines
    )


def is_same(order: Order, cart: CartView) -> bool:
    """Whether an order already is this cart at these prices."""
    ordered = {line.product_id: (line.price, line.quantity) for line in order.lines}
    wanted = {line.product_id: (line.price, line.quantity) for line in cart.lines}
    same_cart = order.cart_stamp == cart.stamp and ordered == wanted
    return same_cart and order.delivery_fee == cart.delivery_fee
