"""Who is logged in: the row in the database is the truth, Redis a copy that is checked again and again.

A copy is believed for TRUST_SECONDS and only by the life of Redis (``run_id``) that made it, so
neither a restart, nor an old file restored, nor a deletion that Redis missed revives a session that
was ended. It is made in two steps: ``look_up`` leaves a random mark before the row is read, and
``keep`` needs that mark, so a session ended in between is not kept.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from app.accounts import store
from app.accounts.browsers import name_browser
from app.core import ids
from app.core.clock import epoch_us
from app.core.errors import (
    DatabaseUnavailableError,
    NotFoundError,
    RedisUnavailableError,
    UnavailableError,
)
from app.core.languages import _
from app.infra import keys
from app.infra.db import Tx
from app.infra.redis import load_script
from app.machines import Machines

LUA = Path(__file__).parent / "lua"
TRUST_SECONDS = 60
SECOND = 1_000_000  # in microseconds
ASKING_SECONDS = 10
FORGET_AGAIN_SECONDS = 0.2
USER_AGENT_LENGTH = 255
PURGE_BATCH = 1000
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Whoever is logged in."""

    user_id: int
    signup_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is logged in, as its owner sees it. ``number`` names it in addresses."""

    number: str
    browser: str
    created_at: datetime
    used_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A session that is alive: whose it is, and when it ends at the latest (in seconds since 1970)."""

    shopper: Shopper
    expiry: int


class Scripts:
    """The two halves of a look-up."""

    def __init__(self, _m: Machines) -> None:
        self.look_up = load_script(LUA / "look_up.lua")
        self.keep = load_script(LUA / "keep.lua")


async def find_shopper(m: Machines, token: str) -> Shopper | None:
    """Return who a token stands for, in one round trip to Redis when it is warm.

    Raises DatabaseUnavailableError when Redis cannot tell and the database is away.
    """
    token_hash, mark = ids.fingerprint(token), ids.idempotency_key()
    args = (_now(m), mark, TRUST_SECONDS, keys.SESSION_SECONDS, ASKING_SECONDS)
    try:
        state, kept, expiry = await m.redis.run(m.keep(Scripts).look_up, [keys.session(token_hash)], args)
    except RedisUnavailableError:
        row = await _read_row(m, token_hash)
        return row.shopper if row else None
    if state == "alive":
        return _read_copy(kept)
    if state == "idle":
        await _end_idle(m, token_hash)
        return None
    try:
        row = await _read_row(m, token_hash)
    except DatabaseUnavailableError:
        if state != "stale":
            raise
        # Nobody can have logged out meanwhile: the copy is good for another while, at normal speed.
        row = Row(_read_copy(kept), expiry)
    await _keep(m, token_hash, mark, row)
    return row.shopper if row else None


async def open_session(m: Machines, member: store.Member, user_agent: str) -> str:
    """Log a user in and return the new session's token.

    ``member`` is the user as read when the password was checked: if every session was ended since,
    this one is dead too.
    """
    token = ids.token()
    row = {
        "token_hash": ids.fingerprint(token),
        "user_id": member.user_id,
        "epoch": member.session_epoch,
        "user_agent": user_agent[:USER_AGENT_LENGTH],
        "expires_at": m.clock.now() + timedelta(seconds=keys.SESSION_MOST_SECONDS),
    }
    await m.db.retrying(lambda tx: store.insert_session(tx, row))
    return token


async def close_session(m: Machines, token: str) -> None:
    """Log this one browser out: first the row, then the copy."""
    token_hash = ids.fingerprint(token)
    async with m.db.write() as tx:
        await store.update_session_revoked(tx, token_hash)
    await forget(m, [token_hash])


async def read_open(tx: Tx, user_id: int, token: str) -> list[OpenSession]:
    """Return a user's living sessions, the one that asks first, then the newest."""
    this = ids.fingerprint(token)
    shown = [
        OpenSession(
            _number(row.token_hash),
            name_browser(row.user_agent),
            row.created_at,
            row.used_at,
            row.token_hash == this,
        )
        for row in await store.select_sessions(tx, user_id)
        if not _is_idle(tx.clock.now(), row)
    ]
    return sorted(shown, key=lambda one: not one.is_this)


async def close_one(m: Machines, user_id: int, number: str) -> None:
    """Log one of a user's browsers out. Raises NotFoundError."""

    async def close(tx: Tx) -> str:
        for row in await store.select_sessions(tx, user_id):
            if _number(row.token_hash) == number:
                await store.update_session_revoked(tx, row.token_hash)
                return row.token_hash
        raise NotFoundError("session", say=_("이미 로그아웃된 기기입니다."))

    await forget(m, [await m.db.retrying(close)])


async def is_fresh(tx: Tx, token: str) -> bool:
    """Whether the password was typed in this session a short while ago: each time begins a new session."""
    row = await store.select_session(tx, ids.fingerprint(token))
    return row is not None and abs(tx.clock.now() - row.created_at) < FRESH


async def close_all(m: Machines, user_id: int) -> None:
    """Log a user out everywhere."""
    await forget(m, await m.db.retrying(lambda tx: store.update_sessions_revoked(tx, user_id)))


async def purge_expired(m: Machines) -> None:
    """Delete the rows of sessions that ended: a missing row ends a session as well."""
    while await m.db.retrying(lambda tx: store.delete_ended_sessions(tx, PURGE_BATCH)) == PURGE_BATCH:
        continue


async def forget(m: Machines, token_hashes: Sequence[str]) -> None:
    """Drop the copies of sessions whose rows were ended; while Redis is away, as soon as it is back."""
    try:
        await _drop(m, token_hashes)
    except RedisUnavailableError:
        m.background.spawn(_drop_later(m, token_hashes), "forget sessions")


async def _drop(m: Machines, token_hashes: Sequence[str]) -> None:
    for token_hash in token_hashes:
        await m.redis.command("DEL", keys.session(token_hash))


async def _drop_later(m: Machines, token_hashes: Sequence[str]) -> None:
    for _round in range(round(TRUST_SECONDS / FORGET_AGAIN_SECONDS)):  # after that no copy is believed anyway
        await asyncio.sleep(FORGET_AGAIN_SECONDS)
        with suppress(RedisUnavailableError):
            return await _drop(m, token_hashes)
    return None


async def _end_idle(m: Machines, token_hash: str) -> None:
    # While the database is away the copy stays and goes on saying "idle".
    with suppress(UnavailableError):
        async with m.db.write() as tx:
            await store.update_session_revoked(tx, token_hash)
        await _drop(m, [token_hash])


async def _read_row(m: Machines, token_hash: str) -> Row | None:
    async with m.db.read() as tx:
        row = await store.select_session(tx, token_hash)
    if row is None:
        return None
    if _is_idle(m.clock.now(), row):  # a Redis that lost its memory does not know
        await _end_idle(m, token_hash)
        return None
    if row.used_at.date() != m.clock.now().date():
        with suppress(UnavailableError):  # the next look-up does it
            await m.db.retrying(lambda tx: store.update_session_used(tx, token_hash, m.clock.now()))
    return Row(Shopper(row.user_id, row.signup_id, row.name, row.role), epoch_us(row.expires_at) // SECOND)


async def _keep(m: Machines, token_hash: str, mark: str, row: Row | None) -> None:
    with suppress(RedisUnavailableError):
        if row is None:
            await _drop(m, [token_hash])
        else:
            copy = json.dumps(asdict(row.shopper), ensure_ascii=False)
            args = (_now(m), mark, row.expiry, copy)
            await m.redis.run(m.keep(Scripts).keep, [keys.session(token_hash)], args)


@lru_cache(maxsize=1000)
def _read_copy(kept: str) -> Shopper:
    return Shopper(**json.loads(kept))


def _number(token_hash: str) -> str:
    """Return what a session is called where others may read it: nothing in the stores is found by it."""
    return ids.fingerprint(token_hash)[:16]


def _is_idle(now: datetime, row: store.SessionRow) -> bool:
    """Whether a session was out of use for so long that its next request ends it (to the day)."""
    return now - row.used_at > timedelta(seconds=keys.SESSION_SECONDS, days=1)


def _now(m: Machines) -> int:
    return epoch_us(m.clock.now()) // SECOND
