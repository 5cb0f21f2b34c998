"""Attempts to pay, what Toss said of them, and webhooks, in the database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from app.core import ids
from app.infra.db import Tx
from app.models import refunds, toss_payments, web_payments, webhook_events
from app.orders.order import Order
from app.payments import states
from app.payments.attempt import Attempt
from app.payments.payment import Json, TossPayment
from app.payments.refunds.refund import REQUESTED


@dataclass(frozen=True, slots=True)
class Kept:
    """What an operator needs to know of Toss's newest answer, and how much of it we have promised away."""

    status: str
    method: str | None
    total_amount: int
    refunded_amount: int
    promised_amount: int

    @property
    def left_amount(self) -> int:
        """How much can still be returned."""
        return self.total_amount - max(self.refunded_amount, self.promised_amount)


async def insert_attempt(tx: Tx, order: Order, signup_id: str | None, next_check_at: datetime) -> None:
    """Open an attempt to pay an order. ``next_check_at`` is when it expires."""
    await insert_attempts(tx, [(order, signup_id, next_check_at)])


async def insert_attempts(tx: Tx, wanted: Sequence[tuple[Order, str | None, datetime]]) -> None:
    """Open attempts, each to pay an order: who is logged in, and when it expires."""
    now = tx.clock.now()
    rows = [
        {
            "user_id": order.user_id,
            "signup_id": signup_id,
            "total_quantity": order.total_quantity,
            "total_price": order.total_price,
            "customer_name": order.recipient.recipient_name,
            "customer_phone": order.recipient.recipient_phone,
            "payment_status": states.PENDING,
            "order_id": order.order_id,
            "payment_no": ids.payment_no(),
            "open_slot": 1,
            "next_check_at": next_check_at,
            "checks": 0,
            "created_at": now,
            "updated_at": now,
        }
        for order, signup_id, next_check_at in wanted
    ]
    await tx.execute(insert(web_payments), rows)


async def select_attempt(tx: Tx, web_payment_id: int) -> Attempt:
    """Return an attempt that is known to exist."""
    query = select(web_payments).where(web_payments.c.web_payment_id == web_payment_id)
    return _attempt((await tx.execute(query)).one())


async def find_attempt(tx: Tx, web_payment_id: int) -> Attempt | None:
    """Return an attempt, if there is one with that number."""
    query = select(web_payments).where(web_payments.c.web_payment_id == web_payment_id)
    row = (await tx.execute(query)).first()
    return _attempt(row) if row else None


async def select_kept(tx: Tx, web_payment_id: int) -> Kept | None:
    """Return what was written down of Toss's answers about an attempt."""
    columns = toss_payments.c
    query = select(
        columns.status,
        columns.payment_method,
        columns.total_amount,
        columns.refunded_amount,
        func.coalesce(columns.promised_amount, 0),
    )
    row = (await tx.execute(query.where(columns.web_payment_id == web_payment_id))).first()
    return Kept(*row) if row else None


async def select_by_no(tx: Tx, payment_no: str) -> Attempt | None:
    """Return the attempt with that number."""
    query = select(web_payments).where(web_payments.c.payment_no == payment_no)
    row = (await tx.execute(query)).first()
    return _attempt(row) if row else None


async def select_by_numbers(tx: Tx, payment_nos: Sequence[str]) -> dict[str, Attempt]:
    """Return the attempts with these numbers, by number; a number nobody has is not there."""
    query = select(web_payments).where(web_payments.c.payment_no.in_(payment_nos))
    return {row.payment_no: _attempt(row) for row in await tx.execute(query)}


async def select_open(tx: Tx, order_id: int) -> Attempt | None:
    """Return the order's one open attempt."""
    query = select(web_payments).where(web_payments.c.order_id == order_id, web_payments.c.open_slot == 1)
    row = (await tx.execute(query)).first()
    return _attempt(row) if row else None


async def select_waiting(tx: Tx, order_id: int) -> Attempt | None:
    """Return the order's attempt that waits for a deposit."""
    query = select(web_payments).where(
        web_payments.c.order_id == order_id, web_payments.c.payment_status == states.WAITING_FOR_DEPOSIT
    )
    row = (await tx.execute(query)).first()
    return _attempt(row) if row else None


async def select_has_rival(tx: Tx, attempt: Attempt) -> bool:
    """Whether another attempt stands for the order now: it may still be paid, or is."""
    query = select(web_payments.c.web_payment_id).where(
        web_payments.c.order_id == attempt.order_id,
        web_payments.c.web_payment_id != attempt.web_payment_id,
        web_payments.c.payment_status.not_in(states.ENDED),
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def select_in_state(tx: Tx, status: str, limit: int) -> list[Attempt]:
    """Return attempts in a state, the one that has been there longest first."""
    query = select(web_payments).where(web_payments.c.payment_status == status)
    return [_attempt(row) for row in await tx.execute(query.order_by(web_payments.c.updated_at).limit(limit))]


async def select_newest_payable(tx: Tx) -> Attempt | None:
    """Return the attempt opened last of those whose shopper may still go and pay."""
    query = select(web_payments).where(
        web_payments.c.payment_status == states.PENDING, web_payments.c.next_check_at > tx.clock.now()
    )
    row = (await tx.execute(query.order_by(web_payments.c.web_payment_id.desc()).limit(1))).first()
    return _attempt(row) if row else None


async def select_due(tx: Tx, limit: int, *, pending: bool) -> list[Attempt]:
    """Return the attempts whose next check is due, the longest due first; PENDING ones or all others."""
    unasked = web_payments.c.payment_status == states.PENDING
    query = select(web_payments).where(
        web_payments.c.next_check_at <= tx.clock.now(), unasked if pending else ~unasked
    )
    rows = await tx.execute(query.order_by(web_payments.c.next_check_at).limit(limit))
    return [_attempt(row) for row in rows]


async def select_of_orders(tx: Tx, order_ids: Sequence[int]) -> list[tuple[Attempt, dict[str, Any] | None]]:
    """Return every attempt of these orders, the newest first, each with Toss's answer if there is one."""
    query = (
        select(web_payments, toss_payments.c.answer)
        .select_from(
            web_payments.outerjoin(
                toss_payments, toss_payments.c.web_payment_id == web_payments.c.web_payment_id
            )
        )
        .where(web_payments.c.order_id.in_(order_ids))
        .order_by(web_payments.c.web_payment_id.desc())
    )
    rows = await tx.execute(query)
    return [(_attempt(row), json.loads(row.answer) if row.answer else None) for row in rows]


async def update_status(  # noqa: PLR0913 - three of them are named columns or conditions
    tx: Tx,
    attempt: Attempt,
    new: str,
    *,
    failure_code: str | None = None,
    next_check_at: datetime | None = None,
    unasked: bool = False,
) -> bool:
    """Move an attempt from the state it was read in to ``new``; return whether it was still there.

    The update itself knows the table of states: no other pair finds a row.

    ``unasked``: only if no reconciliation has taken it up meanwhile.
    """
    values: dict[str, Any] = {
        "payment_status": new,
        "failure_code": failure_code,
        "next_check_at": next_check_at,
        "updated_at": tx.clock.now(),
    }
    if new in states.CLOSED:
        values["open_slot"] = None
    there = update(web_payments).where(
        web_payments.c.web_payment_id == attempt.web_payment_id,
        web_payments.c.payment_status == attempt.status,
        web_payments.c.payment_status.in_(states.sources(new)),
    )
    if unasked:
        there = there.where(web_payments.c.checks == 0)
    return (await tx.execute(there.values(**values))).rowcount == 1


async def update_customer(tx: Tx, attempt: Attempt, name: str, phone: str) -> bool:
    """Correct who pays, while nothing has been asked of Toss; return whether that was so."""
    there = update(web_payments).where(
        web_payments.c.web_payment_id == attempt.web_payment_id,
        web_payments.c.payment_status == states.PENDING,
    )
    values = {"customer_name": name, "customer_phone": phone, "updated_at": tx.clock.now()}
    return (await tx.execute(there.values(**values))).rowcount == 1


async def update_next_check(tx: Tx, attempt: Attempt, next_check_at: datetime | None) -> bool:
    """Take up a check that nobody else took up since the attempt was read."""
    there = update(web_payments).where(
        web_payments.c.web_payment_id == attempt.web_payment_id,
        web_payments.c.payment_status == attempt.status,
        web_payments.c.checks == attempt.checks,
    )
    values = {"next_check_at": next_check_at, "checks": attempt.checks + 1, "updated_at": tx.clock.now()}
    return (await tx.execute(there.values(**values))).rowcount == 1


async def update_idempotency_key(tx: Tx, attempt: Attempt, key: str) -> None:
    """Confirm under a new key from now on, if still under the one that was read."""
    there = update(web_payments).where(
        web_payments.c.web_payment_id == attempt.web_payment_id,
        web_payments.c.payment_status == states.CONFIRMING,
        web_payments.c.idempotency_key == attempt.idempotency_key,
    )
    await tx.execute(there.values(idempotency_key=key, updated_at=tx.clock.now()))


async def upsert_toss_payment(tx: Tx, attempt: Attempt, payment: TossPayment) -> None:
    """Keep what Toss said of an attempt, the newest answer."""
    await upsert_toss_payments(tx, [(attempt, payment)])


async def upsert_toss_payments(tx: Tx, said: Sequence[tuple[Attempt, TossPayment]]) -> None:
    """Keep what Toss said of each attempt, the newest answer."""
    now = tx.clock.now()
    rows = [_answered(attempt, payment, now) for attempt, payment in said]
    newer = [name for name in rows[0] if name not in {"web_payment_id", "created_at"}]
    await tx.upsert(
        toss_payments, ["web_payment_id"], rows, lambda incoming: [(n, incoming[n]) for n in newer]
    )


def _answered(attempt: Attempt, payment: TossPayment, now: datetime) -> dict[str, Any]:
    account = payment.account
    return {
        "payment_method": payment.method,
        "currency": payment.currency,
        "total_price": attempt.total_price,
        "total_amount": payment.total_amount,
        "customer_name": attempt.customer_name,
        "customer_phone": attempt.customer_phone,
        "discount": payment.discount,
        "payment_time": payment.approved_at,
        "web_payment_id": attempt.web_payment_id,
        "payment_key": payment.payment_key,
        "status": payment.status,
        "secret": ids.fingerprint(payment.secret) if payment.secret else None,
        "receipt_url": payment.receipt_url,
        "account_bank": account.bank_code if account else None,
        "account_number": account.account_number if account else None,
        "account_holder": account.customer_name if account else None,
        "account_due_at": account.due_at if account else None,
        "balance_amount": payment.balance_amount,
        "refunded_amount": payment.total_amount - payment.balance_amount,
        "answer": json.dumps(_without_secrets(payment.raw), ensure_ascii=False),
        "created_at": now,
        "updated_at": now,
    }


async def select_returned_for_update(tx: Tx, web_payment_id: int) -> int | None:
    """Return what Toss last said has gone back, and let nobody else write it down meanwhile."""
    query = select(toss_payments.c.refunded_amount).where(toss_payments.c.web_payment_id == web_payment_id)
    return (await tx.execute(query.with_for_update())).scalar_one_or_none()


async def select_secret(tx: Tx, web_payment_id: int) -> str | None:
    """Return the fingerprint of what Toss proves itself by in a webhook."""
    query = select(toss_payments.c.secret).where(toss_payments.c.web_payment_id == web_payment_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def insert_webhook(tx: Tx, fingerprint: str, payment_no: str, event_type: str) -> int | None:
    """Keep a webhook and return its id; None when the very same was here before."""
    row = {
        "fingerprint": fingerprint,
        "payment_no": payment_no,
        "event_type": event_type,
        "created_at": tx.clock.now(),
    }
    if not await tx.insert_if_new(webhook_events, [row]):
        return None
    query = select(webhook_events.c.webhook_event_id).where(webhook_events.c.fingerprint == fingerprint)
    return int((await tx.execute(query)).scalar_one())


async def select_webhook_payment_no(tx: Tx, webhook_event_id: int) -> str | None:
    """Return which payment an unhandled webhook is about."""
    query = select(webhook_events.c.payment_no).where(
        webhook_events.c.webhook_event_id == webhook_event_id, webhook_events.c.handled_at.is_(None)
    )
    return (await tx.execute(query)).scalar_one_or_none()


async def update_webhook_handled(tx: Tx, webhook_event_id: int) -> None:
    """Note that Toss was asked about it."""
    there = update(webhook_events).where(webhook_events.c.webhook_event_id == webhook_event_id)
    await tx.execute(there.values(handled_at=tx.clock.now()))


def _without_secrets(raw: Json) -> Json:
    """Return Toss's answer without what proves a webhook, and without the account money went back to."""
    kept = {name: value for name, value in raw.items() if name != "secret"}
    account = kept.get("virtualAccount")
    if isinstance(account, dict):
        kept["virtualAccount"] = {**account, "refundReceiveAccount": None}
    return kept


def _attempt(row: Any) -> Attempt:
    return Attempt(
        web_payment_id=row.web_payment_id,
        order_id=row.order_id,
        payment_no=row.payment_no,
        status=row.payment_status,
        user_id=row.user_id,
        signup_id=row.signup_id,
        total_quantity=row.total_quantity,
        total_price=row.total_price,
        customer_name=row.customer_name,
        customer_phone=row.customer_phone,
        payment_key=row.payment_key,
        idempotency_key=row.idempotency_key,
        failure_code=row.failure_code,
        confirming_at=row.confirming_at,
        checks=row.checks,
    )


async def select_is_unsettled(tx: Tx, user_id: int) -> bool:
    """Whether money of a member's is on its way: a payment or a refund that nobody has decided yet."""
    attempt, mine = web_payments.c.payment_status, web_payments.c.user_id == user_id
    deciding = (states.CONFIRMING, states.WAITING_FOR_DEPOSIT, states.REVIEW)
    paying = select(web_payments.c.web_payment_id).where(mine, attempt.in_(deciding))
    refunding = (
        select(refunds.c.refund_id)
        .join_from(refunds, web_payments, refunds.c.web_payment_id == web_payments.c.web_payment_id)
        .where(mine, refunds.c.status == REQUESTED)
    )
    found = [(await tx.execute(query.limit(1))).first() for query in (paying, refunding)]
    return any(row is not None for row in found)


async def update_customers_forgotten(tx: Tx, order_ids: Sequence[int]) -> None:
    """Overwrite who paid for these orders; numbers and amounts stay, for the books."""
    nobody = {"customer_name": "", "customer_phone": ""}
    found = await tx.execute(
        select(web_payments.c.web_payment_id).where(web_payments.c.order_id.in_(order_ids))
    )
    ids_ = found.scalars().all()
    await tx.execute(
        update(web_payments).where(web_payments.c.web_payment_id.in_(ids_)).values(**nobody, signup_id=None)
    )
    private = dict.fromkeys(("account_number", "account_holder", "receipt_url", "secret"))
    await tx.execute(
        update(toss_payments)
        .where(toss_payments.c.web_payment_id.in_(ids_))
        .values(**nobody, **private, answer="{}")
    )
