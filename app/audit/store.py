"""The two logs in the database. Rows are added and read; only accesses kept long enough go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, delete, insert, select

from app.infra.db import Tx
from app.models import access_log, audit_log


@dataclass(frozen=True, slots=True)
class Change:
    """One thing an operator changed. ``row_id`` is the place in the log."""

    row_id: int
    signup_id: str
    address: str
    action: str
    subject: str
    detail: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """One time an operator saw personal data."""

    row_id: int
    signup_id: str
    address: str
    subject: str
    what: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment on, to before another."""

    start: datetime
    end: datetime


async def insert_change(tx: Tx, row: dict[str, Any]) -> None:
    """Add to the log of changes."""
    await tx.execute(insert(audit_log), {**row, "created_at": tx.clock.now()})


async def insert_access(tx: Tx, row: dict[str, Any]) -> None:
    """Add to the log of personal data seen."""
    await tx.execute(insert(access_log), {**row, "created_at": tx.clock.now()})


async def select_changes(tx: Tx, before: int, limit: int) -> Sequence[Change]:
    """Return changes older than the row ``before`` (0: the newest), the newest first."""
    rows = await tx.execute(_page(audit_log, before, limit))
    return [
        Change(r.audit_log_id, r.signup_id, r.address, r.action, r.subject, r.detail, r.created_at)
        for r in rows
    ]


async def select_accesses(tx: Tx, before: int, limit: int) -> Sequence[Access]:
    """Return accesses older than the row ``before`` (0: the newest), the newest first."""
    return [_access(row) for row in await tx.execute(_page(access_log, before, limit))]


async def select_accesses_in(tx: Tx, span: Span, after: int, limit: int) -> Sequence[Access]:
    """Return accesses of a time behind the row ``after``, the oldest first."""
    key = access_log.c.access_log_id
    rows = await tx.execute(_within(access_log, span).where(key > after).order_by(key).limit(limit))
    return [_access(row) for row in rows]


async def select_actions_in(tx: Tx, span: Span) -> Sequence[tuple[str, str]]:
    """Return who did what in a time, as (log-in id, action)."""
    rows = await tx.execute(_within(audit_log, span).order_by(audit_log.c.audit_log_id))
    return [(row.signup_id, row.action) for row in rows]


async def delete_accesses(tx: Tx, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` accesses from before a moment; return how many there were."""
    key = access_log.c.access_log_id
    old = select(key).where(access_log.c.created_at < before).order_by(key).limit(limit)
    ids = (await tx.execute(old)).scalars().all()
    await tx.execute(delete(access_log).where(key.in_(ids)))
    return len(ids)


def _page(table: Table, before: int, limit: int) -> Select[Any]:
    [key] = table.primary_key
    query = select(table).order_by(key.desc()).limit(limit)
    return query.where(key < before) if before else query


def _within(table: Table, span: Span) -> Select[Any]:
    moment = table.c.created_at
    return select(table).where(moment >= span.start, moment < span.end)


def _access(row: Any) -> Access:
    return Access(row.access_log_id, row.signup_id, row.address, row.subject, row.what, row.created_at)
