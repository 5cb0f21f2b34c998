"""Operators, their sessions and their factors as they live in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update

from app.infra.db import Tx
from app.models import operator_factors as factors
from app.models import operator_recovery_codes as codes
from app.models import operator_sessions as sessions
from app.models import operators, users

TOTP, PASSKEY = "totp", "passkey"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may run the shop, or might again. ``is_operator`` is whether that is so now."""

    user_id: int
    signup_id: str
    name: str
    session_epoch: int
    is_operator: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session nobody ended, and whose it is; by the clock it may be over."""

    user_id: int
    signup_id: str
    name: str
    epoch: int
    challenges: int
    has_factor: bool
    proved_at: datetime | None
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Guessing:
    """How often an operator's codes were wrong in a row, and when the next one is looked at."""

    failures: int
    open_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factor:
    """One way to prove that one is it."""

    operator_factor_id: int
    kind: str
    label: str
    created_at: datetime
    used_at: datetime | None
    credential_id: str
    public_key: str
    sign_count: int
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The recovery codes as they stand: how many are left, and of which making."""

    left: int
    batch: str
    created_at: datetime


async def select_account(tx: Tx, signup_id: str) -> Account | None:
    """Return the account of somebody who was made an operator; None for everybody else, and the closed."""
    return await _select_account(tx, users.c.signup_id == signup_id)


async def select_account_by_id(tx: Tx, user_id: int) -> Account | None:
    """Return the same by number."""
    return await _select_account(tx, users.c.user_id == user_id)


async def select_user_id(tx: Tx, signup_id: str) -> int:
    """Return the number of an account that is there."""
    query = select(users.c.user_id).where(users.c.signup_id == signup_id)
    return int((await tx.execute(query)).scalar_one())


async def upsert_operator(tx: Tx, user_id: int) -> None:
    """Let a user run the shop, again if need be."""
    now = tx.clock.now()
    row = {"user_id": user_id, "failures": 0, "open_at": None, "disabled_at": None}
    await tx.upsert(
        operators,
        ["user_id"],
        [row | {"created_at": now, "updated_at": now}],
        lambda new: [("disabled_at", new.disabled_at), ("updated_at", new.updated_at)],
    )


async def update_disabled(tx: Tx, user_id: int) -> None:
    """Take the right to run the shop away."""
    now = tx.clock.now()
    await tx.execute(
        update(operators).where(operators.c.user_id == user_id).values(disabled_at=now, updated_at=now)
    )


async def select_guessing_for_update(tx: Tx, user_id: int) -> Guessing:
    """Return how the guessing stands; who asks at the same time waits, so that no guess goes uncounted."""
    mine = select(operators).where(operators.c.user_id == user_id).with_for_update()
    row = (await tx.execute(mine)).one()
    return Guessing(row.failures, row.open_at)


async def update_guessing(tx: Tx, user_id: int, guessing: Guessing) -> None:
    """Write down how the guessing stands."""
    values = {"failures": guessing.failures, "open_at": guessing.open_at, "updated_at": tx.clock.now()}
    await tx.execute(update(operators).where(operators.c.user_id == user_id).values(values))


async def insert_session(tx: Tx, row: dict[str, Any]) -> None:
    """Insert a session."""
    now = tx.clock.now()
    rest = {"challenges": 0, "last_seen_at": now, "ended_at": None, "created_at": now}
    await tx.execute(insert(sessions), row | rest)


async def select_session(tx: Tx, token_hash: str) -> SessionRow | None:
    """Return a session, unless it was ended, or its operator was disabled or has another password now."""
    has_factor = exists().where(factors.c.user_id == sessions.c.user_id).label("has_factor")
    still = and_(sessions.c.user_id == users.c.user_id, sessions.c.epoch == users.c.session_epoch)
    found = await tx.execute(
        select(users.c.signup_id, users.c.name, sessions, has_factor)
        .join_from(sessions, users, still)
        .join(operators, operators.c.user_id == users.c.user_id)
        .where(
            sessions.c.token_hash == token_hash,
            sessions.c.ended_at.is_(None),
            sessions.c.created_at >= users.c.password_changed_at,
            operators.c.disabled_at.is_(None),
            users.c.closed_at.is_(None),
        )
    )
    row = found.first()
    if row is None:
        return None
    return SessionRow(
        row.user_id,
        row.signup_id,
        row.name,
        row.epoch,
        row.challenges,
        bool(row.has_factor),
        row.proved_at,
        row.last_seen_at,
        row.expires_at,
    )


async def update_seen(tx: Tx, token_hash: str) -> None:
    """Write down that a session is in use."""
    await tx.execute(
        update(sessions).where(sessions.c.token_hash == token_hash).values(last_seen_at=tx.clock.now())
    )


async def update_proved(tx: Tx, token_hash: str) -> None:
    """Write down that its operator has just proved to be it."""
    await tx.execute(
        update(sessions).where(sessions.c.token_hash == token_hash).values(proved_at=tx.clock.now())
    )


async def update_challenges(tx: Tx, token_hash: str, challenges: int) -> bool:
    """Use a passkey's question up; False when it is used up already."""
    used = await tx.execute(
        update(sessions)
        .where(sessions.c.token_hash == token_hash, sessions.c.challenges == challenges)
        .values(challenges=challenges + 1)
    )
    return used.rowcount == 1


async def update_session_ended(tx: Tx, token_hash: str) -> bool:
    """End one session; False when it is over already."""
    ended = await tx.execute(
        update(sessions)
        .where(sessions.c.token_hash == token_hash, sessions.c.ended_at.is_(None))
        .values(ended_at=tx.clock.now())
    )
    return ended.rowcount == 1


async def update_sessions_ended(tx: Tx, user_id: int) -> None:
    """End every session of an operator."""
    await tx.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .values(ended_at=tx.clock.now())
    )


async def delete_ended_sessions(tx: Tx, limit: int) -> int:
    """Delete up to ``limit`` sessions that are over; return how many there were."""
    over = or_(sessions.c.ended_at.is_not(None), sessions.c.expires_at <= tx.clock.now())
    hashes = (await tx.execute(select(sessions.c.token_hash).where(over).limit(limit))).scalars().all()
    await tx.execute(delete(sessions).where(sessions.c.token_hash.in_(hashes)))
    return len(hashes)


async def select_factors(tx: Tx, user_id: int) -> Sequence[Factor]:
    """Return an operator's factors, the oldest first."""
    mine = select(factors).where(factors.c.user_id == user_id).order_by(factors.c.operator_factor_id)
    return [
        Factor(
            row.operator_factor_id,
            row.kind,
            row.label,
            row.created_at,
            row.used_at,
            row.credential_id or "",
            row.public_key or "",
            row.sign_count or 0,
            row.secret or "",
        )
        for row in await tx.execute(mine)
    ]


async def insert_factor(tx: Tx, row: dict[str, Any]) -> bool:
    """Add a factor; False when that passkey is there already."""
    blank = dict.fromkeys(
        ("secret", "last_step", "credential_hash", "credential_id", "public_key", "sign_count", "used_at")
    )
    return await tx.insert_if_new(factors, [blank | row | {"created_at": tx.clock.now()}]) == 1


async def delete_factors(tx: Tx, user_id: int, kind: str) -> None:
    """Delete an operator's factors of a kind."""
    await tx.execute(delete(factors).where(factors.c.user_id == user_id, factors.c.kind == kind))


async def delete_passkey(tx: Tx, user_id: int, operator_factor_id: int) -> bool:
    """Delete one passkey of an operator; False when there is none of that number."""
    gone = await tx.execute(
        delete(factors).where(
            factors.c.user_id == user_id,
            factors.c.kind == PASSKEY,
            factors.c.operator_factor_id == operator_factor_id,
        )
    )
    return gone.rowcount == 1


async def update_step_used(tx: Tx, operator_factor_id: int, step: int) -> bool:
    """Use a code's half minute up; False when that one or a later one was used before."""
    later = or_(factors.c.last_step.is_(None), factors.c.last_step < step)
    used = await tx.execute(
        update(factors)
        .where(factors.c.operator_factor_id == operator_factor_id, later)
        .values(last_step=step, used_at=tx.clock.now())
    )
    return used.rowcount == 1


async def update_passkey_used(tx: Tx, operator_factor_id: int, sign_count: int) -> None:
    """Write down that a passkey was used."""
    await tx.execute(
        update(factors)
        .where(factors.c.operator_factor_id == operator_factor_id)
        .values(sign_count=sign_count, used_at=tx.clock.now())
    )


async def replace_codes(tx: Tx, user_id: int, batch: str, hashes: Sequence[str]) -> None:
    """Let these be the recovery codes; no earlier one is worth anything any more."""
    await delete_codes(tx, user_id)
    now = tx.clock.now()
    row = {"user_id": user_id, "batch": batch, "used_at": None, "created_at": now}
    await tx.execute(insert(codes), [row | {"code_hash": code_hash} for code_hash in hashes])


async def delete_codes(tx: Tx, user_id: int) -> None:
    """Delete the recovery codes of an operator."""
    await tx.execute(delete(codes).where(codes.c.user_id == user_id))


async def update_code_used(tx: Tx, user_id: int, code_hash: str) -> bool:
    """Use a recovery code up; False when there is no such one left."""
    used = await tx.execute(
        update(codes)
        .where(codes.c.user_id == user_id, codes.c.code_hash == code_hash, codes.c.used_at.is_(None))
        .values(used_at=tx.clock.now())
    )
    return used.rowcount == 1


async def select_batch(tx: Tx, user_id: int) -> Batch | None:
    """Return how the recovery codes stand; None when none were made."""
    left = func.count() - func.count(codes.c.used_at)  # MySQL has no FILTER
    query = select(codes.c.batch, codes.c.created_at, left.label("left_")).where(codes.c.user_id == user_id)
    row = (await tx.execute(query.group_by(codes.c.batch, codes.c.created_at))).first()
    return None if row is None else Batch(row.left_, row.batch, row.created_at)


async def select_has_code(tx: Tx, user_id: int, code_hash: str) -> bool:
    """Whether a recovery code is one of an operator's, used or not."""
    query = select(codes.c.code_hash).where(codes.c.user_id == user_id, codes.c.code_hash == code_hash)
    return (await tx.execute(query)).first() is not None


async def _select_account(tx: Tx, which: Any) -> Account | None:
    query = (
        select(
            users.c.user_id, users.c.signup_id, users.c.name, users.c.session_epoch, operators.c.disabled_at
        )
        .join_from(users, operators, operators.c.user_id == users.c.user_id)
        .where(which, users.c.closed_at.is_(None))
    )
    row = (await tx.execute(query)).first()
    if row is None:
        return None
    return Account(row.user_id, row.signup_id, row.name, row.session_epoch, row.disabled_at is None)
