"""Mailed links, and what they change, in the database."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from app.infra.db import Tx
from app.models import account_links, users

LINK = account_links.c


@dataclass(frozen=True, slots=True)
class Link:
    """A link that still works, and whose it is."""

    token_hash: str
    user_id: int
    email: str


async def insert_link(tx: Tx, link: Link, purpose: str, expires_at: datetime) -> bool:
    """Insert a link; False when it is there already."""
    row = {
        "token_hash": link.token_hash,
        "user_id": link.user_id,
        "purpose": purpose,
        "email": link.email,
        "expires_at": expires_at,
        "used_at": None,
        "created_at": tx.clock.now(),
    }
    return await tx.insert_if_new(account_links, [row]) == 1


async def count_links(tx: Tx, user_id: int, since: datetime) -> int:
    """Return how many links a user was sent since then."""
    mine = select(func.count()).where(LINK.user_id == user_id, LINK.created_at > since)
    return int((await tx.execute(mine)).scalar_one())


async def select_link(tx: Tx, token_hash: str, purpose: str) -> Link | None:
    """Return a link, if it was neither used nor has expired, nor its user closed the account."""
    alive = (
        select(LINK.token_hash, LINK.user_id, LINK.email)
        .join_from(account_links, users, users.c.user_id == LINK.user_id)
        .where(
            LINK.token_hash == token_hash,
            LINK.purpose == purpose,
            LINK.used_at.is_(None),
            LINK.expires_at > tx.clock.now(),
            users.c.closed_at.is_(None),
        )
    )
    row = (await tx.execute(alive)).first()
    return Link(row.token_hash, row.user_id, row.email) if row else None


async def update_used(tx: Tx, link: Link) -> bool:
    """Use a link up; False when somebody has meanwhile, or it has expired."""
    alive = update(account_links).where(
        LINK.token_hash == link.token_hash, LINK.used_at.is_(None), LINK.expires_at > tx.clock.now()
    )
    return (await tx.execute(alive.values(used_at=tx.clock.now()))).rowcount == 1


async def update_all_used(tx: Tx, user_id: int, purpose: str) -> None:
    """Use up whatever other links of the kind the user was sent."""
    alive = update(account_links).where(
        LINK.user_id == user_id, LINK.purpose == purpose, LINK.used_at.is_(None)
    )
    await tx.execute(alive.values(used_at=tx.clock.now()))


async def update_email(tx: Tx, user_id: int, email: str) -> None:
    """Note that an address is the user's own."""
    now = tx.clock.now()
    await tx.execute(
        update(users)
        .where(users.c.user_id == user_id, users.c.closed_at.is_(None))
        .values(email=email, email_confirmed_at=now, updated_at=now)
    )


async def select_users_by_email(tx: Tx, email: str) -> list[tuple[int, str]]:
    """Return number and log-in id of everybody who has confirmed this address."""
    there = select(users.c.user_id, users.c.signup_id).where(
        users.c.email == email, users.c.email_confirmed_at.is_not(None), users.c.closed_at.is_(None)
    )
    return [(row.user_id, row.signup_id) for row in await tx.execute(there.order_by(users.c.user_id))]


async def delete_links(tx: Tx, created_before: datetime) -> None:
    """Forget links sent long ago."""
    await tx.execute(delete(account_links).where(LINK.created_at < created_before))


async def delete_links_of(tx: Tx, user_id: int) -> None:
    """Forget every link a user was sent."""
    await tx.execute(delete(account_links).where(LINK.user_id == user_id))
