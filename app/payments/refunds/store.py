"""Refunds in the database, and the one guard that keeps their sum within what was paid."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from app.infra.db import Tx
from app.models import refunds, toss_payments
from app.payments.payment import Cancellation
from app.payments.refunds.refund import (
    DONE,
    REFUSED,
    REQUESTED,
    Refund,
    RefundWish,
    read_account,
    write_account,
)

PROMISED = func.coalesce(toss_payments.c.promised_amount, 0)


async def insert_refund(
    tx: Tx, wish: RefundWish, web_payment_id: int, next_check_at: datetime | None
) -> bool:
    """Resolve to give money back; False when the same refund is there already."""
    now = tx.clock.now()
    row = {
        "refund_id": wish.refund_id,
        "web_payment_id": web_payment_id,
        "amount": wish.amount,
        "reason": wish.reason,
        "status": REQUESTED,
        "idempotency_key": wish.refund_id,
        "account": write_account(wish.account),
        "requested_by": wish.requested_by.user_id if wish.requested_by else None,
        "next_check_at": next_check_at,
        "created_at": now,
        "updated_at": now,
    }
    return await tx.insert_if_new(refunds, [row]) == 1


async def update_promised(tx: Tx, web_payment_id: int, amount: int) -> bool:
    """Set an amount aside; False when less than that is left of what was paid.

    Two things are left of a payment: what nobody was promised, and what Toss says has not gone back.
    """
    enough = update(toss_payments).where(
        toss_payments.c.web_payment_id == web_payment_id,
        PROMISED + amount <= toss_payments.c.total_amount,
        toss_payments.c.refunded_amount + amount <= toss_payments.c.total_amount,
    )
    values = {"promised_amount": PROMISED + amount, "updated_at": tx.clock.now()}
    return (await tx.execute(enough.values(**values))).rowcount == 1


async def select_refund(tx: Tx, refund_id: str) -> Refund | None:
    """Return the refund with that number."""
    row = (await tx.execute(select(refunds).where(refunds.c.refund_id == refund_id))).first()
    return _refund(row) if row else None


async def select_of_payment(tx: Tx, web_payment_id: int) -> list[Refund]:
    """Return an attempt's refunds, the newest first."""
    query = select(refunds).where(refunds.c.web_payment_id == web_payment_id)
    return [_refund(row) for row in await tx.execute(query.order_by(refunds.c.created_at.desc()))]


async def select_undone(tx: Tx, limit: int) -> list[Refund]:
    """Return the refunds Toss has not decided, or has refused, the newest first."""
    query = select(refunds).where(refunds.c.status != DONE).order_by(refunds.c.created_at.desc())
    return [_refund(row) for row in await tx.execute(query.limit(limit))]


async def select_due(tx: Tx, limit: int) -> list[Refund]:
    """Return the refunds whose next check is due, the longest due first."""
    query = select(refunds).where(refunds.c.next_check_at <= tx.clock.now())
    return [_refund(row) for row in await tx.execute(query.order_by(refunds.c.next_check_at).limit(limit))]


async def select_done_sum(tx: Tx, web_payment_id: int) -> int:
    """Return how much of an attempt has gone back because we asked for it."""
    query = select(func.coalesce(func.sum(refunds.c.amount), 0)).where(
        refunds.c.web_payment_id == web_payment_id, refunds.c.status == DONE
    )
    return int((await tx.execute(query)).scalar_one())


async def update_next_check(tx: Tx, refund: Refund, next_check_at: datetime) -> bool:
    """Take up a check that nobody else took up since the refund was read."""
    there = update(refunds).where(
        refunds.c.refund_id == refund.refund_id,
        refunds.c.status == REQUESTED,
        refunds.c.next_check_at == refund.next_check_at,
    )
    return (
        await tx.execute(there.values(next_check_at=next_check_at, updated_at=tx.clock.now()))
    ).rowcount == 1


async def update_idempotency_key(tx: Tx, refund: Refund, key: str) -> bool:
    """Ask under a new key from now on, if still under the one that was read."""
    there = update(refunds).where(
        refunds.c.refund_id == refund.refund_id,
        refunds.c.status == REQUESTED,
        func.coalesce(refunds.c.idempotency_key, refunds.c.refund_id) == refund.idempotency_key,
    )
    return (await tx.execute(there.values(idempotency_key=key, updated_at=tx.clock.now()))).rowcount == 1


async def update_done(tx: Tx, refund_id: str, cancellation: Cancellation | None) -> bool:
    """The money is back; return whether the refund was waiting for that. The account is forgotten."""
    values: dict[str, Any] = {}
    if cancellation:
        values = {"transaction_key": cancellation.transaction_key, "canceled_at": cancellation.at}
    return await _update_decided(tx, refund_id, {"status": DONE, "failure_code": None, **values})


async def update_refused(tx: Tx, refund_id: str, code: str) -> bool:
    """Toss will not give it back; return whether the refund was waiting. The account is forgotten."""
    return await _update_decided(tx, refund_id, {"status": REFUSED, "failure_code": code})


async def update_promise_broken(tx: Tx, refund: Refund) -> None:
    """What a refused refund had set aside can be promised again."""
    there = update(toss_payments).where(toss_payments.c.web_payment_id == refund.web_payment_id)
    await tx.execute(there.values(promised_amount=PROMISED - refund.amount, updated_at=tx.clock.now()))


async def _update_decided(tx: Tx, refund_id: str, values: dict[str, Any]) -> bool:
    there = update(refunds).where(refunds.c.refund_id == refund_id, refunds.c.status == REQUESTED)
    ended = {"account": None, "next_check_at": None, "updated_at": tx.clock.now()}
    return (await tx.execute(there.values(**values, **ended))).rowcount == 1


def _refund(row: Any) -> Refund:
    return Refund(
        refund_id=row.refund_id,
        web_payment_id=row.web_payment_id,
        amount=row.amount,
        reason=row.reason,
        status=row.status,
        failure_code=row.failure_code,
        idempotency_key=row.idempotency_key or row.refund_id,
        account=read_account(row.account),
        next_check_at=row.next_check_at,
        created_at=row.created_at,
    )
