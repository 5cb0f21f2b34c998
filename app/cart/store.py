"""The cart as it lives in the database: a head per owner, a row per product."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, case, delete, or_, select

from app.cart.snapshot import SnapLine, Snapshot
from app.core.clock import epoch_us
from app.infra.db import Tx
from app.models import cart_heads, carts, users

# A removed line's row is kept this long: an older message could bring the line back otherwise.
TOMBSTONE = timedelta(days=30)


async def select_cart(tx: Tx, owner: str) -> Snapshot:
    """Return the owner's cart, empty if there is none."""
    head = (await tx.execute(select(cart_heads).where(cart_heads.c.owner == owner))).first()
    rows = await tx.execute(
        select(carts.c.product_id, carts.c.quantity, carts.c.stamp)
        .where(carts.c.owner == owner)
        .order_by(carts.c.product_id)
    )
    lines = tuple(SnapLine(row.product_id, row.quantity, row.stamp) for row in rows)
    return (
        Snapshot(owner, head.last_stamp, head.cleared_stamp, lines) if head else Snapshot(owner, 0, 0, lines)
    )


async def has_carts(tx: Tx) -> bool:
    """Whether anybody ever had a cart."""
    return (await tx.execute(select(cart_heads.c.owner).limit(1))).first() is not None


async def upsert_carts(tx: Tx, snapshots: Sequence[Snapshot]) -> dict[str, int]:
    """Join snapshots, one per owner, into the database; return each owner's watermark."""
    now = tx.clock.now()
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.owner)
    heads = [
        {
            "owner": snapshot.owner,
            "last_stamp": snapshot.last,
            "cleared_stamp": snapshot.cleared,
            "updated_at": now,
        }
        for snapshot in ordered
    ]
    await _upsert_heads(tx, heads)
    owners = [snapshot.owner for snapshot in ordered]
    locked = select(cart_heads.c.owner, cart_heads.c.cleared_stamp).where(cart_heads.c.owner.in_(owners))
    rows = await tx.execute(locked if tx.is_sqlite else locked.order_by(cart_heads.c.owner).with_for_update())
    cleared: dict[str, int] = {row.owner: row.cleared_stamp for row in rows}
    await _upsert_lines(tx, ordered, cleared)
    return cleared


async def raise_cleared(tx: Tx, cleared: Sequence[tuple[str, int]]) -> None:
    """Raise owners' watermarks, and delete their lines up to them; lines edited later stay."""
    now, ordered = tx.clock.now(), sorted(cleared)
    heads = [
        {"owner": owner, "last_stamp": stamp, "cleared_stamp": stamp, "updated_at": now}
        for owner, stamp in ordered
    ]
    await _upsert_heads(tx, heads)
    watermark = select(cart_heads.c.cleared_stamp).where(cart_heads.c.owner == carts.c.owner)
    theirs = carts.c.owner.in_([owner for owner, _ in ordered])
    await tx.execute(delete(carts).where(theirs, carts.c.stamp <= watermark.scalar_subquery()))


async def delete_tombstones(tx: Tx) -> int:
    """Delete the rows of lines that were removed long ago; return how many."""
    horizon = epoch_us(tx.clock.now() - TOMBSTONE)
    deleted = await tx.execute(delete(carts).where(carts.c.quantity == 0, carts.c.stamp < horizon))
    return deleted.rowcount


async def _upsert_heads(tx: Tx, heads: Sequence[dict[str, object]]) -> None:
    head = cart_heads.c
    await tx.upsert(
        cart_heads,
        ["owner"],
        heads,
        lambda incoming: [
            ("last_stamp", _newer(incoming.last_stamp, head.last_stamp)),
            ("cleared_stamp", _newer(incoming.cleared_stamp, head.cleared_stamp)),
            ("updated_at", incoming.updated_at),
        ],
    )


async def _upsert_lines(tx: Tx, snapshots: Sequence[Snapshot], cleared: dict[str, int]) -> None:
    now = tx.clock.now()
    horizon = epoch_us(now - TOMBSTONE)
    members = await _select_members(tx, (snapshot.owner for snapshot in snapshots))
    rows = [
        {
            "owner": snapshot.owner,
            "product_id": line.product_id,
            "quantity": line.quantity,
            "stamp": line.stamp,
            "user_id": members.get(snapshot.owner, (None, None))[0],
            "signup_id": members.get(snapshot.owner, (None, None))[1],
            "created_at": now,
            "updated_at": now,
        }
        for snapshot in snapshots
        for line in sorted(snapshot.lines)
        # A line older than the horizon is known to the database, or was removed and purged.
        if line.stamp > cleared[snapshot.owner] and line.stamp >= horizon
    ]
    if rows:
        line = carts.c
        await tx.upsert(
            carts,
            ["owner", "product_id"],
            rows,
            lambda incoming: [
                ("quantity", case((incoming.stamp > line.stamp, incoming.quantity), else_=line.quantity)),
                ("updated_at", incoming.updated_at),
                ("stamp", _newer(incoming.stamp, line.stamp)),
            ],
        )
    stale = [
        and_(carts.c.owner == owner, carts.c.stamp <= stamp)
        for owner, stamp in sorted(cleared.items())
        if stamp
    ]
    if stale:
        await tx.execute(delete(carts).where(or_(*stale)))


async def _select_members(tx: Tx, owners: Iterable[str]) -> dict[str, tuple[int, str]]:
    ids = [int(owner[2:]) for owner in owners if owner.startswith("u:")]
    if not ids:
        return {}
    rows = await tx.execute(select(users.c.user_id, users.c.signup_id).where(users.c.user_id.in_(ids)))
    return {f"u:{row.user_id}": (row.user_id, row.signup_id) for row in rows}


def _newer(incoming: ColumnElement[int], known: ColumnElement[int]) -> ColumnElement[int]:
    """Return the larger stamp; MySQL calls it GREATEST and SQLite MAX."""
    return case((incoming > known, incoming), else_=known)
