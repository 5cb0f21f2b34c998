"""What can be done with a cart."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.cart import store
from app.cart.hot import Edit, HotCart, HotCarts
from app.cart.publisher import CartPublisher
from app.cart.snapshot import Snapshot, join
from app.cart.view import MAX_QUANTITY, CartView, show
from app.catalog import service as catalog
from app.core.bidi import isolated
from app.core.clock import epoch_us
from app.core.errors import (
    AmqpUnavailableError,
    ConflictError,
    NotFoundError,
    RedisUnavailableError,
    UnavailableError,
)
from app.core.languages import _, find
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines

UNDO_US = 10 * 60 * 1_000_000
SWEEP_AGE_US = 2_000_000
SWEEP_BATCH = 200
MERGES = 3


@dataclass(frozen=True, slots=True)
class Edited:
    """A cart after an edit, and what the shopper should know about it ('' when all went as asked)."""

    cart: CartView
    note: str


async def view(m: Machines, owner: str) -> CartView:
    """Return the cart as it stands."""
    return await _show(m, await m.keep(HotCarts).edit(owner, Edit("read")))


async def snapshot(m: Machines, owner: str) -> Snapshot:
    """Return the cart's lines and stamp as they stand, of the member's cart if the guest's went into it."""
    return (await m.keep(HotCarts).edit(owner, Edit("read"))).snapshot


async def count(m: Machines, owner: str) -> int:
    """Return how many goods are in the cart."""
    return (await snapshot(m, owner)).total_quantity


async def add_line(m: Machines, owner: str, product_id: int, quantity: int, form_key: str) -> Edited:
    """Put goods into the cart. The same form key counts once.

    Raises NotFoundError for a product that is not sold, ConflictError for one that is sold out.
    """
    product = (await catalog.find_products(m, [product_id])).get(product_id)
    if product is None:
        raise NotFoundError(f"product {product_id}", say=_("더 이상 판매하지 않는 상품입니다."))
    if product.sold_out:
        raise ConflictError(
            "sold out",
            say=_(
                "‘%(name)s’ 상품은 품절입니다. 장바구니에 담지 않았습니다.", name=isolated(find(product.name))
            ),
        )
    most = min(product.quantity, MAX_QUANTITY)
    return await _edit(m, owner, Edit("add", product_id, quantity, most, form_key, product.price))


async def set_quantity(m: Machines, owner: str, product_id: int, quantity: int) -> Edited:
    """Set a line to exactly this quantity; 0 removes it. Doing it twice changes nothing more."""
    if quantity == 0:
        return await remove_line(m, owner, product_id)
    product = (await catalog.find_products(m, [product_id])).get(product_id)
    if product is None or product.sold_out:
        cart = await view(m, owner)
        return Edited(cart, _("품절이거나 판매가 끝난 상품이라 수량을 바꾸지 않았습니다."))
    most = min(product.quantity, MAX_QUANTITY)
    return await _edit(m, owner, Edit("set", product_id, quantity, most))


async def remove_line(m: Machines, owner: str, product_id: int) -> Edited:
    """Take a line out of the cart."""
    return await _edit(m, owner, Edit("remove", product_id))


async def undo(m: Machines, owner: str, product_id: int = 0) -> Edited:
    """Bring back the line that was removed last; all is well if ``product_id`` came back before."""
    return await _edit(m, owner, Edit("undo", product_id))


async def merge_guest(m: Machines, guest: str, member: str) -> None:
    """Take a guest's cart into the member's: the larger quantity of each product.

    The two carts live in two slots of Redis, so this takes three scripts: read the guest's, take its
    lines and remember up to which stamp, then drop them and mark where they went. A crash before the
    second leaves all to the next log-in; one before the third leaves the guest lines that the member's
    cart knows it has taken, so they are not taken again; the mark, which sends the guest's later edits to
    the member's cart, is set by the step that finds nothing the member lacks. Raises UnavailableError
    when the guest is too quick.
    """
    hot = m.keep(HotCarts)
    for _attempt in range(MERGES):
        lines = await snapshot(m, guest)
        if lines.owner != guest:  # another log-in was quicker: nothing is left to be taken
            return
        if lines.live:
            merged = await hot.take_guest(member, lines)
            await _acknowledge(m, merged.snapshot)
        left = await hot.move(guest, lines.last, member)
        m.keep(CartPublisher).put(left.snapshot)
        if left.outcome == "OK":
            return
    raise UnavailableError("the guest's cart keeps changing")


async def clear_paid(tx: Tx, owner: str, stamp: int) -> None:
    """Empty the cart of what was ordered at ``stamp``, within the transaction that pays for it."""
    await store.raise_cleared(tx, [(owner, stamp)])


async def clear_all_paid(tx: Tx, paid: Sequence[tuple[str, int]]) -> None:
    """Empty carts of what their owners ordered at a stamp, as ``clear_paid`` does."""
    await store.raise_cleared(tx, paid)


async def clear_paid_hot(m: Machines, owner: str, stamp: int) -> None:
    """Empty the hot copy too. Raises RedisUnavailableError; doing it again does no harm."""
    await m.keep(HotCarts).clear(owner, stamp)


async def persist(m: Machines, snapshots: Sequence[Snapshot], *, by: str) -> None:
    """Join snapshots into the database, then tell Redis what the database has.

    Redis being away is no failure: the mark stays, and the sweeper comes back to it.
    """
    joined = _join_by_owner(snapshots)
    cleared = await m.db.retrying(lambda tx: store.upsert_carts(tx, joined))
    metrics.carts_persisted.labels(by).inc(len(joined))
    hot = m.keep(HotCarts)
    try:
        await asyncio.gather(*(hot.merge_back(_raise(one, cleared[one.owner])) for one in joined))
    except RedisUnavailableError:
        return


async def sweep(m: Machines) -> int:
    """Write carts to the database that no message has written for 2 s; return how many.

    This is what makes the broker optional: it may be away for ever.
    """
    hot = m.keep(HotCarts)
    now = epoch_us(m.clock.now())
    owners = await hot.dirty_owners(now - SWEEP_AGE_US, SWEEP_BATCH, ahead=now + SWEEP_AGE_US)
    for start in range(0, len(owners), SWEEP_BATCH):
        batch = owners[start : start + SWEEP_BATCH]
        await persist(m, [await hot.snapshot(owner) for owner in batch], by="sweeper")
    return len(owners)


async def pass_barrier(m: Machines, life: str) -> None:
    """Let carts be loaded from the database again: every edit sent before the barrier is in it."""
    await m.keep(HotCarts).start_history(life)


async def prepare(m: Machines) -> None:
    """Raise the barrier before the first shopper meets it. Redis being away is no failure."""
    try:
        await m.keep(HotCarts).raise_barrier()
    except RedisUnavailableError:
        return


async def purge_tombstones(m: Machines) -> int:
    """Forget lines removed long ago."""
    return await m.db.retrying(store.delete_tombstones)


async def _edit(m: Machines, owner: str, edit: Edit) -> Edited:
    hot = await m.keep(HotCarts).edit(owner, edit)
    await _acknowledge(m, hot.snapshot)
    metrics.cart_edits.labels(hot.outcome).inc()
    cart = await _show(m, hot)
    return Edited(cart, _note(hot.outcome, cart.line(edit.product_id)))


async def _acknowledge(m: Machines, edited: Snapshot) -> None:
    """Make the edit as safe as CART_ACK promises before the shopper is told of it."""
    publisher = m.keep(CartPublisher)
    if m.settings.cart_ack == "redis":
        publisher.put(edited)
        return
    try:
        await publisher.publish_now(edited)
    except AmqpUnavailableError:
        await persist(m, [edited], by="web")


async def _show(m: Machines, hot: HotCart) -> CartView:
    removed = hot.undo
    if removed is not None and epoch_us(m.clock.now()) - removed.stamp > UNDO_US:
        removed = None
    ids = [line.product_id for line in hot.snapshot.live]
    if removed is not None:
        ids.append(removed.product_id)
    return show(hot.snapshot, removed, await catalog.find_products(m, ids), m.settings, hot.prices)


def _note(outcome: str, line: object) -> str:
    if outcome == "OK":
        return ""
    stock = getattr(line, "max_quantity", 0)
    notes = {
        "CAPPED": _("남은 수량이 %(stock)s개라 %(stock)s개까지만 담을 수 있습니다.", stock=stock),
        "FULL": _("장바구니에는 100가지까지 담을 수 있습니다. 담지 않았습니다."),
        "GONE": _("이미 장바구니에서 뺀 상품입니다. 다시 담으려면 상품 페이지에서 담아 주십시오."),
        "NOTHING": "" if line else _("되돌릴 상품이 없습니다."),
    }
    return notes.get(outcome, "")


def _join_by_owner(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    joined: dict[str, Snapshot] = {}
    for one in snapshots:
        known = joined.get(one.owner)
        joined[one.owner] = one if known is None else join(known, one)
    return list(joined.values())


def _raise(one: Snapshot, cleared: int) -> Snapshot:
    return Snapshot(one.owner, one.last, max(one.cleared, cleared), one.lines)
