"""Users and their sessions as they live in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from app.infra.db import Tx
from app.models import sessions, users

# Sessions of the release before this column have no day of use.
USED_AT = func.coalesce(sessions.c.used_at, sessions.c.created_at)


@dataclass(frozen=True, slots=True)
class Member:
    """A user who may log in."""

    user_id: int
    signup_id: str
    name: str
    phone: str
    role: str
    session_epoch: int
    created_at: datetime
    email: str  # '' for none
    is_email_confirmed: bool
    consents: str
    password_hash: str = field(repr=False)

    @property
    def confirmed_email(self) -> str:
        """The address, if it is known to be the user's own; else ''."""
        return self.email if self.is_email_confirmed else ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that is alive, and whose it is."""

    token_hash: str
    user_id: int
    signup_id: str
    name: str
    role: str
    user_agent: str
    expires_at: datetime
    used_at: datetime
    created_at: datetime


async def select_member(tx: Tx, user_id: int) -> Member | None:
    """Return a user by number, unless closed."""
    return await _select_member(tx, users.c.user_id == user_id)


async def select_member_by_signup_id(tx: Tx, signup_id: str) -> Member | None:
    """Return a user by log-in id, unless closed."""
    return await _select_member(tx, users.c.signup_id == signup_id)


async def select_is_taken(tx: Tx, signup_id: str) -> bool:
    """Whether an id was ever given out; a closed user's stays taken."""
    row = await tx.execute(select(users.c.user_id).where(users.c.signup_id == signup_id))
    return row.first() is not None


async def insert_user(tx: Tx, row: dict[str, Any]) -> bool:
    """Insert a user; False when the log-in id is taken."""
    now = tx.clock.now()
    moments = {"password_changed_at": now, "created_at": now, "updated_at": now}
    rest = {"session_epoch": 0, "closed_at": None, "email_confirmed_at": None}
    return await tx.insert_if_new(users, [row | rest | moments]) == 1


async def update_password(tx: Tx, member: Member, password_hash: str) -> bool:
    """Change the password; False when it changed meanwhile."""
    now = tx.clock.now()
    changed = await tx.execute(
        update(users)
        .where(users.c.user_id == member.user_id, users.c.signup_password == member.password_hash)
        .values(signup_password=password_hash, password_changed_at=now, updated_at=now)
    )
    return changed.rowcount == 1


async def update_password_by_link(tx: Tx, user_id: int, password_hash: str) -> None:
    """Change the password of somebody who has shown a mailed link instead of the one before."""
    now = tx.clock.now()
    await tx.execute(
        update(users)
        .where(users.c.user_id == user_id, users.c.closed_at.is_(None))
        .values(signup_password=password_hash, password_changed_at=now, updated_at=now)
    )


async def update_consents(tx: Tx, user_id: int, consents: str) -> None:
    """Note what a user agrees to."""
    await tx.execute(
        update(users).where(users.c.user_id == user_id).values(consents=consents, updated_at=tx.clock.now())
    )


async def update_hash(tx: Tx, member: Member, password_hash: str) -> None:
    """Keep the same password under a costlier hash, unless it changed meanwhile."""
    await tx.execute(
        update(users)
        .where(users.c.user_id == member.user_id, users.c.signup_password == member.password_hash)
        .values(signup_password=password_hash)
    )


async def insert_session(tx: Tx, row: dict[str, Any]) -> None:
    """Insert a session."""
    now = tx.clock.now()
    await tx.execute(insert(sessions), {**row, "revoked_at": None, "used_at": now, "created_at": now})


async def select_session(tx: Tx, token_hash: str) -> SessionRow | None:
    """Return a session, if it is neither ended nor expired, nor its user closed or logged out everywhere."""
    found = await _select_sessions(tx, sessions.c.token_hash == token_hash)
    return found[0] if found else None


async def select_sessions(tx: Tx, user_id: int) -> list[SessionRow]:
    """Return a user's living sessions, the newest first."""
    return await _select_sessions(tx, sessions.c.user_id == user_id)


async def update_session_used(tx: Tx, token_hash: str, at: datetime) -> None:
    """Note when a session was in use."""
    await tx.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(used_at=at))


async def update_session_revoked(tx: Tx, token_hash: str) -> None:
    """End one session."""
    await tx.execute(
        update(sessions)
        .where(sessions.c.token_hash == token_hash, sessions.c.revoked_at.is_(None))
        .values(revoked_at=tx.clock.now())
    )


async def update_sessions_revoked(tx: Tx, user_id: int) -> Sequence[str]:
    """End every session of a user, those being opened now too; return the hashes of their tokens."""
    await tx.execute(
        update(users).where(users.c.user_id == user_id).values(session_epoch=users.c.session_epoch + 1)
    )
    alive = and_(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    hashes = (await tx.execute(select(sessions.c.token_hash).where(alive))).scalars().all()
    await tx.execute(update(sessions).where(alive).values(revoked_at=tx.clock.now()))
    return hashes


async def delete_ended_sessions(tx: Tx, limit: int) -> int:
    """Delete up to ``limit`` sessions that were ended or expired; return how many there were."""
    ended = or_(sessions.c.revoked_at.is_not(None), sessions.c.expires_at <= tx.clock.now())
    hashes = (await tx.execute(select(sessions.c.token_hash).where(ended).limit(limit))).scalars().all()
    await tx.execute(delete(sessions).where(sessions.c.token_hash.in_(hashes)))
    return len(hashes)


async def _select_sessions(tx: Tx, which: ColumnElement[bool]) -> list[SessionRow]:
    columns = (
        sessions.c.token_hash, users.c.user_id, users.c.signup_id, users.c.name, users.c.role,
        sessions.c.user_agent, sessions.c.expires_at, USED_AT, sessions.c.created_at,
    )  # fmt: skip
    same_epoch = and_(sessions.c.user_id == users.c.user_id, sessions.c.epoch == users.c.session_epoch)
    found = await tx.execute(
        select(*columns)
        .join_from(sessions, users, same_epoch)
        .where(
            which,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > tx.clock.now(),
            users.c.closed_at.is_(None),
        )
        .order_by(sessions.c.created_at.desc())
    )
    return [SessionRow(*row) for row in found]


async def _select_member(tx: Tx, which: ColumnElement[bool]) -> Member | None:
    row = (await tx.execute(select(users).where(which, users.c.closed_at.is_(None)))).first()
    if row is None:
        return None
    return Member(
        user_id=row.user_id,
        signup_id=row.signup_id,
        name=row.name,
        phone=row.phone,
        role=row.role,
        session_epoch=row.session_epoch,
        created_at=row.created_at,
        email=row.email or "",
        is_email_confirmed=row.email_confirmed_at is not None,
        consents=row.consents,
        password_hash=row.signup_password,
    )
