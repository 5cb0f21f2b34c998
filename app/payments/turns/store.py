"""Claims in the database: many attempts moved in one statement, each only from where it was read."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, update
from sqlalchemy.exc import IntegrityError

from app.infra.db import Tx
from app.models import web_payments
from app.payments import states
from app.payments.attempt import Attempt


class KeyTakenError(Exception):
    """A paymentKey that is another attempt's already."""


async def update_to_confirming(
    tx: Tx, claims: Sequence[tuple[Attempt, str, str]], next_check_at: datetime
) -> int:
    """Claim PENDING attempts, each for one confirmation: its paymentKey, its idempotency key.

    Returns how many of them still were PENDING. Raises KeyTakenError: roll back.
    """
    now = tx.clock.now()
    there = update(web_payments).where(
        web_payments.c.web_payment_id.in_([attempt.web_payment_id for attempt, _, _ in claims]),
        web_payments.c.payment_status == states.PENDING,
    )
    values = {
        "payment_status": states.CONFIRMING,
        "payment_key": _each((attempt, payment_key) for attempt, payment_key, _ in claims),
        "idempotency_key": _each((attempt, key) for attempt, _, key in claims),
        "confirming_at": now,
        "next_check_at": next_check_at,
        "checks": 0,
        "updated_at": now,
    }
    try:
        return (await tx.execute(there.values(**values))).rowcount
    except IntegrityError as error:
        raise KeyTakenError(claims[0][0].payment_no) from error


def _each(texts: Iterable[tuple[Attempt, str]]) -> ColumnElement[str]:
    """Return what gives each attempt a text of its own."""
    return case(
        {attempt.web_payment_id: text for attempt, text in texts}, value=web_payments.c.web_payment_id
    )


async def update_to_failed(tx: Tx, attempts: Sequence[Attempt], failure_code: str) -> int:
    """End PENDING attempts nobody is charged for; return how many of them still were PENDING."""
    return await _close(tx, attempts, (states.PENDING, states.FAILED), failure_code)


async def update_to_paid(tx: Tx, attempts: Sequence[Attempt]) -> int:
    """Note that the money of CONFIRMING attempts is there; return how many of them still were CONFIRMING."""
    return await _close(tx, attempts, (states.CONFIRMING, states.PAID), None)


async def _close(tx: Tx, attempts: Sequence[Attempt], move: tuple[str, str], failure_code: str | None) -> int:
    old, new = move
    there = update(web_payments).where(
        web_payments.c.web_payment_id.in_([attempt.web_payment_id for attempt in attempts]),
        web_payments.c.payment_status == old,
        web_payments.c.payment_status.in_(states.sources(new)),
    )
    values = {
        "payment_status": new,
        "failure_code": failure_code,
        "next_check_at": None,
        "open_slot": None,
        "updated_at": tx.clock.now(),
    }
    return (await tx.execute(there.values(**values))).rowcount
