"""From a cart to an order: priced, reviewed, placed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from app.accounts import service as accounts
from app.accounts.service import Address, AddressesFullError, Place
from app.cart import service as carts
from app.cart.snapshot import Snapshot
from app.cart.view import CartView
from app.catalog import service as catalog
from app.catalog.product import Product
from app.checkout import pricing
from app.core.errors import ConflictError
from app.core.languages import marked
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders.order import NewOrder, Order, Recipient, SlotTakenError
from app.payments import service as payments

TRIES = 3
ORDERER = "orderer"  # who orders also gets the goods; no saved address has this number

LOGGED_IN = marked("로그인하신 회원의 장바구니로 옮긴 상품입니다. 새로 고침한 뒤 다시 주문해 주십시오.")
PLACED, EMPTY, SHORT, MOVED, BUSY = "placed", "empty", "short", "moved", "busy"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who orders: a member, or a guest without the last three."""

    owner: str
    user_id: int | None
    signup_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Placing:
    """What came of placing an order.

    placed, or: the cart is empty, a line is short, the total moved since it was seen, or another
    order's payment (``order_no``) is on its way.
    """

    outcome: str
    cart: CartView
    order_no: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """The addresses a member has to choose from (none for guests), and whether another may be kept."""

    addresses: tuple[Address, ...]
    can_keep: bool


async def quote(m: Machines, buyer: Buyer) -> tuple[CartView, Saved]:
    """Return the cart at the database's prices, and the member's addresses."""
    snapshot = await carts.snapshot(m, buyer.owner)
    async with m.db.read() as tx:
        cart, _ = await _price(m, tx, snapshot)
        return cart, await _read_saved(tx, buyer)


async def begin(m: Machines, buyer: Buyer, wanted: str) -> tuple[CartView, Saved, Recipient]:
    """Return the cart at the database's prices, the member's addresses, and whom the form starts with.

    That is the one asked for (an address's number, or ORDERER), else the default address, else the last
    order's, else what is known of the member.
    """
    snapshot = await carts.snapshot(m, buyer.owner)
    async with m.db.read() as tx:
        cart, _ = await _price(m, tx, snapshot)
        saved = await _read_saved(tx, buyer)
        known = await accounts.read_member(tx, buyer.user_id) if buyer.user_id else None
        orderer = Recipient(known.name, known.phone, "", "", "", "") if known else None
        last = await orders.read_last_recipient(tx, buyer.owner)
    if wanted == ORDERER and orderer:
        return cart, saved, orderer
    chosen = _choose(saved.addresses, wanted)
    start = _to(chosen.place) if chosen else last or orderer
    return cart, saved, start or Recipient("", "", "", "", "", "")


async def keep_address(m: Machines, buyer: Buyer, to: Recipient) -> None:
    """Keep where an order goes among the member's addresses, if there is room for it."""
    user_id = buyer.user_id
    place = Place(to.recipient_name, to.recipient_phone, to.postcode, to.address1, to.address2)
    if user_id is not None:
        with suppress(AddressesFullError):  # another tab filled the list: the order stands all the same
            await m.db.retrying(lambda tx: accounts.add_address(tx, user_id, place))


async def place_order(m: Machines, buyer: Buyer, recipient: Recipient, seen_total: int) -> Placing:
    """Place the order for the cart as it stands, or say why not. The same cart is the same order."""
    snapshot = await carts.snapshot(m, buyer.owner)
    if snapshot.owner != buyer.owner:  # an old guest's tab: the member's cart is the member's to order
        raise ConflictError("the cart has moved", say=LOGGED_IN)
    for _ in range(TRIES):
        try:
            return await m.db.retrying(lambda tx: _place(m, tx, buyer, recipient, (snapshot, seen_total)))
        except SlotTakenError:  # another tab placed at the same moment: now its order is there to be seen
            continue
    raise ConflictError("open slot", say=_("다른 창에서 주문이 진행 중입니다. 잠시 후 다시 시도해 주십시오."))


async def _place(
    m: Machines, tx: Tx, buyer: Buyer, recipient: Recipient, seen: tuple[Snapshot, int]
) -> Placing:
    snapshot, seen_total = seen
    # In this order: an open order that is paid at this moment is then found either open or paid.
    placed = await orders.read_open(tx, buyer.owner)
    cart, products = await _price(m, tx, snapshot)
    if placed is not None and not await payments.is_untouched(tx, placed):
        return Placing(BUSY, cart, placed.order_no)
    obstacle = _obstacle(cart, seen_total)
    if obstacle:
        return Placing(obstacle, cart)
    until = m.clock.now() + timedelta(minutes=m.settings.order_minutes)
    if placed is not None and pricing.is_same(placed, cart):
        return await _correct(tx, placed, recipient, cart)
    if placed is not None and not await payments.supersede(tx, placed):
        return Placing(BUSY, cart, placed.order_no)
    order = await orders.place(
        tx,
        NewOrder(
            owner=buyer.owner,
            user_id=buyer.user_id,
            cart_stamp=cart.stamp,
            lines=pricing.freeze(cart, products),
            delivery_fee=cart.delivery_fee,
            recipient=recipient,
            expires_at=until,
        ),
    )
    await payments.open_attempt(tx, order, buyer.signup_id)
    return Placing(PLACED, cart, order.order_no)


async def _read_saved(tx: Tx, buyer: Buyer) -> Saved:
    if buyer.user_id is None:
        return Saved((), can_keep=False)
    addresses = tuple(await accounts.read_addresses(tx, buyer.user_id))
    return Saved(addresses, can_keep=len(addresses) < accounts.MOST_ADDRESSES)


def _choose(addresses: Sequence[Address], wanted: str) -> Address | None:
    """Return the address asked for, else the default one."""
    asked = [address for address in addresses if address.address_no == wanted]
    return next(iter(asked + [address for address in addresses if address.is_default]), None)


def _to(place: Place) -> Recipient:
    return Recipient(
        place.recipient_name, place.recipient_phone, place.postcode, place.address1, place.address2, ""
    )


def _obstacle(cart: CartView, seen_total: int) -> str:
    if not cart.lines:
        return EMPTY
    if not cart.can_checkout:
        return SHORT
    return MOVED if cart.total_price != seen_total else ""


async def _correct(tx: Tx, placed: Order, recipient: Recipient, cart: CartView) -> Placing:
    """The same cart again: the same order, delivered to where the shopper says now."""
    if not await payments.correct_customer(tx, placed, recipient):
        return Placing(BUSY, cart, placed.order_no)
    await orders.correct_recipient(tx, placed, recipient)
    return Placing(PLACED, cart, placed.order_no)


async def _price(m: Machines, tx: Tx, snapshot: Snapshot) -> tuple[CartView, dict[int, Product]]:
    unpaid = pricing.drop_paid(snapshot, await orders.read_paid_stamp(tx, snapshot.owner))
    products = await catalog.read_products(tx, [line.product_id for line in unpaid.live])
    return pricing.price(unpaid, products, m.settings), products
