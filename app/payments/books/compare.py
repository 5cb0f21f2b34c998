"""The nightly comparison: Toss's transactions of a Korean day beside our books, and stock beside its ledger.

Transactions only nominate: every payment that either book moved that day is looked up and compared as it
stands now, so that neither midnight nor an answer on its way is taken for a difference.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.core.clock import KST, to_kst
from app.core.errors import UnavailableError
from app.core.languages import marked
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines
from app.payments import states
from app.payments.books import store
from app.payments.books.store import Difference, OurRecord
from app.payments.payment import TossPayment
from app.payments.toss import TossError
from app.stock import service as stock

AFTER = time(0, 30)  # Korean time: what was paid at midnight is decided by then
PARALLEL = 4
AT_ONCE = 500
# Where money that is kept may be. REVIEW is with a person already, and nothing of it is hidden.
KEPT = frozenset({states.PAID, states.PARTIAL_CANCELED, states.REVIEW})
LABELS = {
    "unknown_payment": marked("토스에만 있는 결제"),
    "missing_at_toss": marked("토스에 없는 결제"),
    "not_recorded": marked("돈을 받았으나 기록되지 않은 결제"),
    "money_gone": marked("돌려주었으나 결제로 남은 것"),
    "amount": marked("금액이 다름"),
    "refunded_amount": marked("환불 금액이 다름"),
    "stock_ledger": marked("재고와 원장이 다름"),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison of one day came to."""

    day: date
    payments: int
    differences: tuple[Difference, ...]
    new: int

    @property
    def text(self) -> str:
        """The report, for a person."""
        lines = [f"{self.day}: {self.payments} payments compared, {len(self.differences)} differences"]
        lines += [
            f"  {found.kind}: {found.subject}: ours {found.ours}, theirs {found.theirs}"
            for found in self.differences
        ]
        return "\n".join(lines)


def yesterday(now: datetime) -> date:
    """Return the day before this one, in Korea."""
    return to_kst(now).date() - timedelta(days=1)


async def compare_yesterday(m: Machines) -> None:
    """Compare yesterday once, after half past midnight. Any number of processes may do this."""
    now = m.clock.now()
    if to_kst(now).time() < AFTER:
        return
    day = yesterday(now)
    async with m.db.read() as tx:
        if await store.select_is_compared(tx, day.isoformat()):
            return
    await compare(m, day)


async def compare(m: Machines, day: date) -> Report:
    """Compare a day, keep every difference, raise an alarm for each new one. Raises UnavailableError."""
    start = datetime.combine(day, time(), KST).astimezone(UTC).replace(tzinfo=None)
    end = start + timedelta(days=1)
    try:
        theirs = {each.payment_key for each in await m.toss.list_transactions(start, end)}
        async with m.db.read() as tx:
            ours = await store.select_touched(tx, start, end)
            wrong_stock = await stock.find_differences(tx)
        keys = sorted(theirs | ours)
        found = await _compare_payments(m, keys)
    except TossError as error:
        raise UnavailableError(f"toss: {error}") from error
    for product in wrong_stock:
        subject = f"product {product.product_id}"
        found.append(Difference("stock_ledger", subject, str(product.quantity), str(product.ledger)))
    new = await m.db.retrying(lambda tx: _keep(tx, day.isoformat(), found))
    for each in new:
        metrics.alarms.labels("books_differ").inc()
        log.error("alarm books_differ: %s, %s: %s", day, each.kind, each.subject)
    return Report(day, len(keys), tuple(found), len(new))


async def _keep(tx: Tx, day: str, found: Sequence[Difference]) -> list[Difference]:
    new = [each for each in found if await store.insert_difference(tx, day, each)]
    await store.update_resolved(tx, day, found)
    await store.upsert_comparison(tx, day, len(found))
    return new


async def _compare_payments(m: Machines, payment_keys: Sequence[str]) -> list[Difference]:
    records: dict[str, OurRecord] = {}
    for start in range(0, len(payment_keys), AT_ONCE):
        async with m.db.read() as tx:
            records |= await store.select_records(tx, payment_keys[start : start + AT_ONCE])
    places = asyncio.Semaphore(PARALLEL)

    async def one(payment_key: str) -> list[Difference]:
        async with places:
            payment = await m.toss.find_by_key(payment_key)
        return judge(payment_key, records.get(payment_key), payment)

    found = await asyncio.gather(*(one(payment_key) for payment_key in payment_keys))
    return [difference for differences in found for difference in differences]


def judge(payment_key: str, ours: OurRecord | None, theirs: TossPayment | None) -> list[Difference]:
    """Return what the two books do not agree about."""
    if ours is None:
        if theirs is None or theirs.approved_at is None:
            return []
        return [Difference("unknown_payment", payment_key, "-", f"{theirs.status} {theirs.balance_amount}")]
    subject = f"web_payment {ours.web_payment_id}"
    if theirs is None:
        return [Difference("missing_at_toss", subject, f"{ours.status} {ours.total_amount}", "-")]
    kept = theirs.balance_amount if theirs.approved_at is not None else 0
    if kept and ours.status in KEPT:
        pairs = (
            ("amount", ours.total_amount, theirs.total_amount),
            ("refunded_amount", ours.refunded_amount, theirs.returned_amount),
        )
        return [
            Difference(kind, subject, str(mine), str(other)) for kind, mine, other in pairs if mine != other
        ]
    if kept or ours.status in KEPT - {states.REVIEW}:
        kind = "not_recorded" if kept else "money_gone"
        return [Difference(kind, subject, ours.status, f"{theirs.status} {kept}")]
    return []
