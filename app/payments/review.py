"""The ways out of REVIEW: a person has Toss asked again, and the attempt goes where Toss says it stands."""

from datetime import timedelta

from app.audit import service as audit
from app.audit.service import Actor
from app.core.errors import ConflictError, UnavailableError
from app.core.languages import _
from app.infra.db import Tx
from app.machines import Machines
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import charge, reconcile, settle, states, store
from app.payments.attempt import CANCELED_AT_TOSS, CURRENCY, Attempt, Standing, judge
from app.payments.payment import TossPayment
from app.payments.refunds import service as refunds
from app.payments.settle import Step
from app.payments.toss import TossError, TossRefused
from app.stock import service as stock

FORGOTTEN_AFTER = timedelta(
    minutes=30
)  # Toss takes a confirmation for ten: what it has not got, it never had
NEVER_SEEN = "NOT_FOUND_PAYMENT"


async def ask_again(m: Machines, web_payment_id: int, actor: Actor) -> None:
    """Bring an attempt to where Toss says it stands. What is noted is the asking: where it goes Toss decides.

    Raises ConflictError when Toss refuses to tell, UnavailableError when it does not answer.
    """
    async with m.db.write() as tx:
        attempt = await store.select_attempt(tx, web_payment_id)
        await audit.note_change(tx, actor, "payment.asked", f"결제 {web_payment_id}", attempt.status)
    if attempt.status == states.PENDING:
        return
    try:
        if attempt.status == states.REVIEW:
            await _leave(m, attempt)
        else:
            await reconcile.ask(m, attempt, resend=False)
    except TossRefused as refusal:
        settle.raise_alarm(f"toss_{refusal.code.lower()}", attempt)
        raise ConflictError(
            refusal.code, say=_("토스가 조회를 거절했습니다 (%(code)s).", code=refusal.code)
        ) from refusal
    except TossError as error:
        raise UnavailableError(
            "toss", say=_("토스가 응답하지 않습니다. 잠시 후 다시 시도해 주십시오.")
        ) from error


async def _leave(m: Machines, attempt: Attempt) -> None:
    payment = await charge.look_up(m, attempt)
    if payment and judge(attempt, payment) is Standing.STRANGER:
        payment = await m.toss.find_by_order(attempt.payment_no)
    if payment is None or judge(attempt, payment) is Standing.STRANGER:
        if _age(m, attempt) > FORGOTTEN_AFTER:
            await settle.transact(m, lambda tx: _end(tx, attempt, None, states.FAILED, NEVER_SEEN))
        return
    if payment.status in refunds.GOING_BACK:
        await refunds.record(m, attempt, payment)
    step = EXITS.get(_standing(attempt, payment))
    if step is None:
        await settle.settle(m, attempt, payment)
    else:
        await settle.take_step(m, attempt, payment, step)


def _standing(attempt: Attempt, payment: TossPayment) -> str:
    """Return what the exits are listed by: Toss's status, or WRONG for money that is not as asked."""
    equal = (payment.total_amount, payment.currency) == (attempt.total_price, CURRENCY)
    return payment.status if equal or payment.status in _GONE else "WRONG"


async def _end_canceled(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    return await _end(tx, attempt, payment, states.CANCELED, CANCELED_AT_TOSS)


async def _end_failed(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    return await _end(tx, attempt, payment, states.FAILED, payment.status)


async def _end(tx: Tx, attempt: Attempt, payment: TossPayment | None, status: str, code: str) -> bool:
    """Nobody is charged, or everything went back: the goods are free, and the order is closed."""
    if not await store.update_status(tx, attempt, status, failure_code=code):
        return False
    if payment is not None:
        await store.upsert_toss_payment(tx, attempt, payment)
    await stock.release(tx, attempt.web_payment_id)
    if not await store.select_has_rival(tx, attempt):
        await orders.mark_returned(tx, await orders.read_order(tx, attempt.order_id), order_states.CANCELED)
    settle.count(status)
    return True


async def _accept_part(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """A part went back at Toss and a person says that it is right so."""
    order = await orders.read_order(tx, attempt.order_id)
    if order.status not in {order_states.PAID, order_states.PARTIAL_CANCELED}:
        return False
    if not await store.update_status(tx, attempt, states.PARTIAL_CANCELED):
        return False
    await store.upsert_toss_payment(tx, attempt, payment)
    await orders.mark_returned(tx, order, order_states.PARTIAL_CANCELED)
    settle.count(states.PARTIAL_CANCELED)
    return True


async def _wait_again(m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """The money is not there (any more): it is waited for, if the goods are still held."""
    if not await stock.is_held(tx, attempt.web_payment_id):
        return False
    order = await orders.read_order(tx, attempt.order_id)
    if order.status == order_states.PAID:
        await orders.mark_reversed(tx, order)
    return await settle.await_deposit(m, tx, attempt, payment)


async def _write_down(_m: Machines, tx: Tx, attempt: Attempt, payment: TossPayment) -> bool:
    """Money that is not as asked stays in REVIEW; what can be returned of it is known now."""
    await store.upsert_toss_payment(tx, attempt, payment)
    return True


def _age(m: Machines, attempt: Attempt) -> timedelta:
    return m.clock.now() - attempt.confirming_at if attempt.confirming_at else timedelta(0)


_GONE = frozenset({"CANCELED", "ABORTED", "EXPIRED"})

# DONE, and what is not decided yet, are steps of the table everybody takes: settle.STEPS.
EXITS: dict[str, Step] = {
    "CANCELED": _end_canceled,
    "ABORTED": _end_failed,
    "EXPIRED": _end_failed,
    "PARTIAL_CANCELED": _accept_part,
    "WAITING_FOR_DEPOSIT": _wait_again,
    "WRONG": _write_down,
}
