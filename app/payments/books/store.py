"""The day's books in the database: what was charged and returned, and the differences that were found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.core import ids
from app.infra.db import Tx
from app.models import payment_comparisons, payment_differences, refunds, toss_payments, web_payments

EVERY_DAY = frozenset({"stock_ledger"})  # compared as it stands now, whatever the day


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing our books and Toss's (or the stock and its ledger) do not agree about."""

    kind: str
    subject: str
    ours: str
    theirs: str

    @property
    def fingerprint(self) -> str:
        """What makes it the same difference."""
        return ids.fingerprint(f"{self.kind}\n{self.subject}\n{self.ours}\n{self.theirs}")


@dataclass(frozen=True, slots=True)
class OurRecord:
    """What we say of one payment; ``paid_at`` is None where nothing was ever written down."""

    web_payment_id: int
    payment_no: str
    status: str
    paid_at: datetime | None
    total_amount: int
    refunded_amount: int


async def select_touched(tx: Tx, start: datetime, end: datetime) -> set[str]:
    """Return the paymentKeys of what, by our books, was charged or returned in that time."""
    charged = select(toss_payments.c.payment_key).where(
        toss_payments.c.payment_time >= start, toss_payments.c.payment_time < end
    )
    returned = (
        select(toss_payments.c.payment_key)
        .join(refunds, refunds.c.web_payment_id == toss_payments.c.web_payment_id)
        .where(refunds.c.canceled_at >= start, refunds.c.canceled_at < end)
    )
    return {row.payment_key for query in (charged, returned) for row in await tx.execute(query)}


async def select_records(tx: Tx, payment_keys: Sequence[str]) -> dict[str, OurRecord]:
    """Return what we say of these payments, by paymentKey."""
    query = (
        select(
            web_payments,
            toss_payments.c.payment_time,
            toss_payments.c.total_amount,
            toss_payments.c.refunded_amount,
        )
        .select_from(
            web_payments.outerjoin(
                toss_payments, toss_payments.c.web_payment_id == web_payments.c.web_payment_id
            )
        )
        .where(web_payments.c.payment_key.in_(payment_keys))
    )
    return {row.payment_key: _record(row) for row in await tx.execute(query)}


async def insert_difference(tx: Tx, day: str, found: Difference) -> bool:
    """Keep a difference; return whether it is new, or has come back."""
    row = {
        "fingerprint": found.fingerprint,
        "day": day,
        "kind": found.kind,
        "subject": found.subject,
        "ours": found.ours,
        "theirs": found.theirs,
        "created_at": tx.clock.now(),
    }
    if await tx.insert_if_new(payment_differences, [row]):
        return True
    gone = update(payment_differences).where(
        payment_differences.c.fingerprint == found.fingerprint,
        payment_differences.c.resolved_at.is_not(None),
    )
    return (await tx.execute(gone.values(resolved_at=None, day=day))).rowcount == 1


async def update_resolved(tx: Tx, day: str, still: Sequence[Difference]) -> None:
    """Note which differences of that day are no longer there."""
    gone = update(payment_differences).where(
        (payment_differences.c.day == day) | payment_differences.c.kind.in_(EVERY_DAY),
        payment_differences.c.fingerprint.not_in([found.fingerprint for found in still]),
        payment_differences.c.resolved_at.is_(None),
    )
    await tx.execute(gone.values(resolved_at=tx.clock.now()))


async def select_differences(tx: Tx, limit: int) -> list[tuple[str, Difference]]:
    """Return the day and the difference of those that are still there, the newest first."""
    query = select(payment_differences).where(payment_differences.c.resolved_at.is_(None))
    rows = await tx.execute(query.order_by(payment_differences.c.payment_difference_id.desc()).limit(limit))
    return [(row.day, Difference(row.kind, row.subject, row.ours, row.theirs)) for row in rows]


async def select_is_compared(tx: Tx, day: str) -> bool:
    """Whether that day has been compared."""
    query = select(payment_comparisons.c.day).where(payment_comparisons.c.day == day)
    return (await tx.execute(query)).first() is not None


async def upsert_comparison(tx: Tx, day: str, differences: int) -> None:
    """Note that a day has been compared."""
    row = {"day": day, "differences": differences, "compared_at": tx.clock.now()}
    if await tx.insert_if_new(payment_comparisons, [row]) == 0:
        there = update(payment_comparisons).where(payment_comparisons.c.day == day)
        await tx.execute(there.values(differences=differences, compared_at=tx.clock.now()))


def _record(row: Any) -> OurRecord:
    return OurRecord(
        web_payment_id=row.web_payment_id,
        payment_no=row.payment_no,
        status=row.payment_status,
        paid_at=row.payment_time,
        total_amount=row.total_amount or 0,
        refunded_amount=row.refunded_amount or 0,
    )
