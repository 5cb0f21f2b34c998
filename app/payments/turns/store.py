"""Claims in the database: many attempts moved in one statement, each only from where it was read."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String, Update, bindparam, case, update
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
    what: dict[str, Any] = {
        "ids": [attempt.web_payment_id for attempt, _, _ in claims],
        "now": tx.clock.now(),
        "first_check": next_check_at,
    }
    size = 1 << (len(claims) - 1).bit_length()  # few sizes, so that few statements are written
    own = [(attempt.web_payment_id, payment_key, key) for attempt, payment_key, key in claims]
    for number, (id_, payment_key, key) in enumerate(own + [(0, "", "")] * (size - len(own))):
        what |= {f"id_{number}": id_, f"paid_by_{number}": payment_key, f"key_{number}": key}
    try:
        return (await tx.execute(_claim(size), what)).rowcount
    except IntegrityError as error:
        raise KeyTakenError(claims[0][0].payment_no) from error


@lru_cache(maxsize=64)  # it takes as long to write as to send
def _claim(count: int) -> Update:
    """Return the statement that claims so many attempts, and gives each the keys that are its own."""

    def each(name: str) -> ColumnElement[str]:
        own = [(web_payments.c.web_payment_id == bindparam(f"id_{n}"), n) for n in range(count)]
        return case(*((mine, bindparam(f"{name}_{n}", type_=String())) for mine, n in own))

    there = update(web_payments).where(
        web_payments.c.web_payment_id.in_(bindparam("ids", expanding=True)),
        web_payments.c.payment_status == states.PENDING,
    )
    values = {
        "payment_status": states.CONFIRMING,
        "payment_key": each("paid_by"),
        "idempotency_key": each("key"),
        "confirming_at": bindparam("now"),
        "next_check_at": bindparam("first_check"),
        "checks": 0,
        "updated_at": bindparam("now"),
    }
    return there.values(**values)


async def update_to_failed(tx: Tx, attempts: Sequence[Attempt], failure_code: str) -> int:
    """End PENDING attempts nobody is charged for; return how many of them still were PENDING."""
    return await _close(tx, attempts, (states.PENDING, states.FAILED), failure_code)


async def update_to_paid(tx: Tx, attempts: Sequence[Attempt]) -> int:
    """Note that the money of CONFIRMING attempts is there; return how many of them still were CONFIRMING."""
    return await _close(tx, attempts, (states.CONFIRMING, states.PAID), None)


async def _close(tx: Tx, attempts: Sequence[Attempt], move: tuple[str, str], failure_code: str | None) -> int:
    ids = [attempt.web_payment_id for attempt in attempts]
    what = {"ids": ids, "code": failure_code, "now": tx.clock.now()}
    return (await tx.execute(_closing(*move), what)).rowcount


@lru_cache(maxsize=8)
def _closing(old: str, new: str) -> Update:
    there = update(web_payments).where(
        web_payments.c.web_payment_id.in_(bindparam("ids", expanding=True)),
        web_payments.c.payment_status == old,
        web_payments.c.payment_status.in_(states.sources(new)),
    )
    return there.values(
        payment_status=new,
        failure_code=bindparam("code"),
        next_check_at=None,
        open_slot=None,
        updated_at=bindparam("now"),
    )
