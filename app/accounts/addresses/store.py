"""Saved addresses in the database."""

from dataclasses import asdict

from sqlalchemy import delete, insert, select, update

from app.accounts.addresses.address import Address, Place
from app.core import ids
from app.infra.db import Tx
from app.models import addresses, users

ADDRESS = addresses.c
PLACE = ("recipient_name", "recipient_phone", "postcode", "address1", "address2")


async def hold_user(tx: Tx, user_id: int) -> bool:
    """Let nobody else change this member's addresses until the end; False when the account is closed."""
    open_ = update(users).where(users.c.user_id == user_id, users.c.closed_at.is_(None))
    return (await tx.execute(open_.values(updated_at=tx.clock.now()))).rowcount == 1


async def select_addresses(tx: Tx, user_id: int) -> list[Address]:
    """Return a member's addresses: the default one first, then the newest."""
    query = select(addresses).where(ADDRESS.user_id == user_id)
    rows = await tx.execute(query.order_by(ADDRESS.default_slot.is_(None), ADDRESS.address_id.desc()))
    return [
        Address(
            row.address_no, Place(*(getattr(row, name) for name in PLACE)), is_default=row.default_slot == 1
        )
        for row in rows
    ]


async def insert_address(tx: Tx, user_id: int, place: Place, *, is_default: bool) -> None:
    """Insert an address."""
    now = tx.clock.now()
    row = {
        "address_no": ids.idempotency_key(),
        "user_id": user_id,
        **asdict(place),
        "default_slot": 1 if is_default else None,
        "created_at": now,
        "updated_at": now,
    }
    await tx.execute(insert(addresses), row)


async def update_place(tx: Tx, user_id: int, address_no: str, place: Place) -> bool:
    """Correct an address; False when it is not there, or not this member's."""
    mine = update(addresses).where(ADDRESS.user_id == user_id, ADDRESS.address_no == address_no)
    return (await tx.execute(mine.values(**asdict(place), updated_at=tx.clock.now()))).rowcount == 1


async def update_default(tx: Tx, user_id: int, address_no: str) -> None:
    """Make an address the member's default one, and no other."""
    now = tx.clock.now()
    mine = update(addresses).where(ADDRESS.user_id == user_id)
    await tx.execute(mine.where(ADDRESS.default_slot == 1).values(default_slot=None, updated_at=now))
    await tx.execute(mine.where(ADDRESS.address_no == address_no).values(default_slot=1, updated_at=now))


async def delete_address(tx: Tx, user_id: int, address_no: str) -> bool:
    """Forget an address; False when it is not there, or not this member's."""
    mine = delete(addresses).where(ADDRESS.user_id == user_id, ADDRESS.address_no == address_no)
    return (await tx.execute(mine)).rowcount == 1


async def delete_addresses_of(tx: Tx, user_id: int) -> None:
    """Forget every address a member has saved."""
    await tx.execute(delete(addresses).where(ADDRESS.user_id == user_id))
