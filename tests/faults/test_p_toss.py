"""P: Toss times out, refuses, lies, repeats itself, and is away."""

import asyncio
import re
import time
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import func, select

from app.models import refunds, stock_movements, web_payments, webhook_events
from tests.buyer import make_older
from tests.faults.bed import Bed, Shopper
from tests.goods import last_teapot, mug
from tests.processes import Placed
from tests.shop import eventually
from tests.village import hana, run_over_http

DECIDED_WITHIN = 60.0
PATIENCE = 8.0  # seconds a shopper waits for Toss
UNSURE = "다시 결제하지 마시고"
NOT_PAID = "결제되지 않았습니다"
ALWAYS = {"ratio": 1.0}  # a fault without a number of times stays until it is taken back


@dataclass(slots=True)
class Ready:
    """Somebody with one piece in an order, who has said yes in Toss's window."""

    shopper: Shopper
    product_id: int
    placed: Placed
    payment_key: str

    async def come_back(self) -> httpx.Response:
        return await self.shopper.come_back(self.placed, self.payment_key)


async def ready(bed: Bed, product_id: int = 0, method: str = "CARD") -> Ready:
    shopper, product_id = bed.shopper(), product_id or await mug(bed.m)
    await shopper.put(product_id)
    placed = await shopper.place_order()
    return Ready(shopper, product_id, placed, await shopper.say_yes(bed.toss, placed, method))


async def order_fault(bed: Bed, one: Ready, kind: str, **more: object) -> None:
    """Have one confirmation of this buyer meet a fault."""
    await bed.toss.fault(kind, times=1, on="confirm", match={"orderId": one.placed.payment_no}, **more)


async def announce(bed: Bed, one: Ready, **changed: object) -> int:
    """Send the webhook Toss would send of the payment as it stands, or a forged one."""
    body = {
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": "2026-11-24T12:00:00.000000",
        "data": await bed.toss.look_up(one.payment_key) | changed,
    }
    answer = await one.shopper.http.post("/payments/toss/webhook", json=body)
    return answer.status_code


async def all_handled(bed: Bed) -> None:
    """Wait until every webhook that was kept has been acted upon."""

    async def none_waits() -> bool:
        query = select(func.count()).select_from(webhook_events).where(webhook_events.c.handled_at.is_(None))
        async with bed.m.db.read() as tx:
            return bool((await tx.execute(query)).scalar_one() == 0)

    await eventually(none_waits, 30)


async def becomes_paid(bed: Bed, *some: Ready) -> None:
    """Wait until these are paid, and remember that their carts are empty now."""
    for one in some:
        await bed.becomes(one.placed, "PAID", DECIDED_WITHIN)
        one.shopper.bought()


async def movements(bed: Bed, one: Ready) -> list[str]:
    """Return why the stock of this buyer's product moved, in order."""
    query = select(stock_movements.c.reason).where(stock_movements.c.product_id == one.product_id)
    async with bed.m.db.read() as tx:
        return list((await tx.execute(query.order_by(stock_movements.c.stock_movement_id))).scalars())


async def test_p1_the_confirmation_times_out_though_it_charged(bed: Bed) -> None:
    """The shopper waits 8 s and is told that it is not known yet; PAID within the minute, one charge."""
    one = await ready(bed)
    await order_fault(bed, one, "timeout_after")
    started = time.monotonic()
    answer = await one.come_back()
    assert time.monotonic() - started < PATIENCE + 2
    assert UNSURE in answer.text
    assert await bed.status(one.placed) == "CONFIRMING"
    await becomes_paid(bed, one)
    assert await bed.toss.charges(one.placed.payment_no) == 1
    assert await movements(bed, one) == ["initial", "reserve"]
    await bed.assert_whole()


async def test_p2_the_confirmation_never_arrives(bed: Bed) -> None:
    """It is sent again under the same key, and charges then."""
    one = await ready(bed)
    await order_fault(bed, one, "reset_before")
    assert UNSURE in (await one.come_back()).text
    assert await bed.toss.charges(one.placed.payment_no) == 0
    await becomes_paid(bed, one)
    assert await bed.toss.charges(one.placed.payment_no) == 1
    await bed.assert_whole()


@pytest.mark.slow
async def test_p3_the_first_request_arrives_after_the_second(bed: Bed) -> None:
    """However late: the key is the same, so it is answered as before and charges nothing."""
    one = await ready(bed)
    await order_fault(bed, one, "reset_before")
    await one.come_back()
    query = select(web_payments.c.idempotency_key).where(web_payments.c.payment_no == one.placed.payment_no)
    async with bed.m.db.read() as tx:
        first = str((await tx.execute(query)).scalar_one())
    await becomes_paid(bed, one)
    late = await bed.toss.confirm(
        one.payment_key, one.placed.payment_no, one.placed.amount, Idempotency_Key=first
    )
    assert late.json()["status"] == "DONE"
    assert await bed.toss.charges(one.placed.payment_no) == 1
    await bed.assert_whole()


@pytest.mark.slow
async def test_p4_toss_answers_nonsense(bed: Bed) -> None:
    """502 in HTML before and after charging, JSON cut off, an error of its own: undecided, then decided."""
    faults = {
        "html_before": {},
        "html_after": {},
        "truncated": {},
        "reject": {"code": "FAILED_INTERNAL_SYSTEM_PROCESSING"},
    }
    some = [await ready(bed) for _ in faults]
    for one, (kind, more) in zip(some, faults.items(), strict=True):
        await order_fault(bed, one, kind, **more)
    for answer in await asyncio.gather(*(one.come_back() for one in some)):
        assert answer.status_code in {200, 303}
        assert NOT_PAID not in answer.text
    await becomes_paid(bed, *some)
    for one in some:
        assert await bed.toss.charges(one.placed.payment_no) == 1
    await bed.assert_whole()


async def test_p5_a_definite_refusal(bed: Bed) -> None:
    """FAILED, said so, the goods back on the shelf once; coming back again changes nothing."""
    one = await ready(bed)
    await order_fault(bed, one, "reject", code="REJECT_CARD_PAYMENT")
    answers = [await one.come_back() for _ in range(3)]
    assert all(NOT_PAID in answer.text for answer in answers)
    assert await bed.status(one.placed) == "FAILED"
    assert await bed.order_status(one.placed) == "PENDING"  # another card may pay it
    assert await movements(bed, one) == ["initial", "reserve", "release"]
    assert await bed.shelf(one.product_id) == 100
    await bed.assert_whole()


async def test_p6_toss_is_away_for_half_an_hour(bed: Bed) -> None:
    """Half were charged before it went, half were not: all decided within a minute of its return.

    The half hour passes on Toss's clock and in our rows; whoever was not charged by then never will be.
    """
    some = [await ready(bed) for _ in range(8)]
    charged, uncharged = some[::2], some[1::2]
    for one in charged:
        await order_fault(bed, one, "reset_after")
    await bed.toss.fault("reset_before", on="all", **ALWAYS)
    for answer in await asyncio.gather(*(one.come_back() for one in some)):
        assert UNSURE in answer.text
    await bed.toss.skip(31 * 60)
    for one in some:
        await make_older(bed, one.placed.order_no, 31)
    await bed.toss.http.delete("/sandbox/faults")
    back = time.monotonic()
    for one in uncharged:
        await bed.becomes(one.placed, "FAILED", DECIDED_WITHIN)
        assert await bed.shelf(one.product_id) == 100
    await becomes_paid(bed, *charged)
    assert time.monotonic() - back < DECIDED_WITHIN
    await bed.assert_whole()


@pytest.mark.slow
async def test_p7_already_processed(bed: Bed) -> None:
    """Toss says so to a second confirmation: it is asked how the payment stands, and it is paid."""
    one = await ready(bed)
    elsewhere = await bed.toss.confirm(
        one.payment_key, one.placed.payment_no, one.placed.amount, Idempotency_Key="sent by nobody we know"
    )
    assert elsewhere.status_code == 200
    answer = await one.come_back()
    assert NOT_PAID not in answer.text
    await becomes_paid(bed, one)
    assert await bed.toss.charges(one.placed.payment_no) == 1
    await bed.assert_whole()


@pytest.mark.parametrize("kind", ["other_amount", "other_order"])
async def test_p8_toss_confirms_something_else(bed: Bed, kind: str) -> None:
    """A person must look: REVIEW and an alarm, the goods held, nothing called paid."""
    one = await ready(bed)
    before = await bed.metric("madang_alarms_total", kind="payment_review")
    await order_fault(bed, one, kind)
    await one.come_back()
    await bed.becomes(one.placed, "REVIEW", DECIDED_WITHIN)
    assert await bed.order_status(one.placed) == "PENDING"
    assert await bed.shelf(one.product_id) == 99
    assert await bed.metric("madang_alarms_total", kind="payment_review") == before + 1
    await bed.assert_whole()


async def test_p9_the_webhook_comes_before_the_shopper(bed: Bed) -> None:
    """It changes nothing; the shopper comes back and pays, once."""
    one = await ready(bed)
    assert await announce(bed, one, status="DONE") == 200
    await all_handled(bed)
    assert await bed.status(one.placed) == "PENDING"
    await one.come_back()
    await becomes_paid(bed, one)
    assert await announce(bed, one) == 200
    await all_handled(bed)
    assert await bed.toss.charges(one.placed.payment_no) == 1
    await bed.assert_whole()


async def test_p10_the_same_webhook_a_hundred_times_at_once(bed: Bed) -> None:
    """One is kept, one transition is made."""
    one = await ready(bed, method="VIRTUAL_ACCOUNT")
    await one.come_back()
    await bed.becomes(one.placed, "WAITING_FOR_DEPOSIT")
    await bed.toss.act(one.payment_key, "deposit")
    answers = await asyncio.gather(*(announce(bed, one) for _ in range(100)))
    assert set(answers) == {200}
    await becomes_paid(bed, one)
    query = select(func.count()).where(webhook_events.c.payment_no == one.placed.payment_no)
    async with bed.m.db.read() as tx:
        assert (await tx.execute(query)).scalar_one() == 1
    assert await movements(bed, one) == ["initial", "reserve"]
    await bed.assert_whole()


async def test_p11_a_forged_webhook(bed: Bed) -> None:
    """Toss is asked, and says otherwise: whoever waits goes on waiting, whoever was refused stays so."""
    waiting, refused = await ready(bed, method="VIRTUAL_ACCOUNT"), await ready(bed)
    await waiting.come_back()
    await order_fault(bed, refused, "reject", code="REJECT_CARD_PAYMENT")
    await refused.come_back()
    for one in (waiting, refused):
        for status in ("DONE", "CANCELED", "EXPIRED"):
            assert await announce(bed, one, status=status, totalAmount=1) == 200
    await all_handled(bed)
    assert await bed.status(waiting.placed) == "WAITING_FOR_DEPOSIT"
    assert await bed.status(refused.placed) == "FAILED"
    await bed.assert_whole()


async def test_p12_webhooks_in_the_wrong_order(bed: Bed) -> None:
    """Whatever they say, the state is what Toss says when it is asked."""
    one = await ready(bed, method="VIRTUAL_ACCOUNT")
    await one.come_back()
    await bed.toss.act(one.payment_key, "deposit")
    for status in ("CANCELED", "DONE", "WAITING_FOR_DEPOSIT"):
        assert await announce(bed, one, status=status) == 200
    await all_handled(bed)
    await becomes_paid(bed, one)
    assert await bed.order_status(one.placed) == "PAID"
    await bed.assert_whole()


async def test_p13_a_deposit_after_its_time(bed: Bed) -> None:
    """Goods that are there are held anew; where they are gone the money is a person's case, and said so."""
    kept, gone = (
        await ready(bed, method="VIRTUAL_ACCOUNT"),
        await ready(bed, await last_teapot(bed.m), "VIRTUAL_ACCOUNT"),
    )
    for one in (kept, gone):
        await one.come_back()
    await bed.toss.skip(8 * 86_400)
    for one in (kept, gone):
        await make_older(bed, one.placed.order_no, 13)
        await bed.becomes(one.placed, "EXPIRED", DECIDED_WITHIN)
    other = await ready(bed, gone.product_id)
    await other.come_back()
    await becomes_paid(bed, other)
    for one in (kept, gone):
        await bed.toss.act(one.payment_key, "deposit")
        assert await announce(bed, one) == 200
    await becomes_paid(bed, kept)
    await bed.becomes(gone.placed, "REVIEW", DECIDED_WITHIN)
    page = (await gone.shopper.get(f"/orders/{gone.placed.order_no}")).text
    assert "담당자가 결제 내용을 확인하고 있습니다" in page
    await gone.shopper.set(gone.product_id, 0)  # it lay in the cart, sold out
    await bed.assert_whole()


@pytest.mark.slow
async def test_p14_a_refund_times_out_twice_and_two_operators_press(bed: Bed) -> None:
    """One refund, of what was paid and not more; asked again under its key until Toss has decided."""
    one = await ready(bed)
    await one.come_back()
    await becomes_paid(bed, one)
    number = await _web_payment_id(bed, one)
    await bed.toss.fault("timeout_after", times=1, on="cancel", match={"orderId": one.placed.payment_no})
    await bed.toss.fault("timeout_before", times=1, on="cancel", match={"orderId": one.placed.payment_no})
    operators = [await _operator(bed, word) for word in ("hana", "duri")]
    answers = await asyncio.gather(*(_refund(operator, number, one.placed.amount) for operator in operators))
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    await bed.becomes(one.placed, "CANCELED", DECIDED_WITHIN)
    query = select(refunds.c.status, refunds.c.amount).where(refunds.c.web_payment_id == number)
    async with bed.m.db.read() as tx:
        assert [tuple(row) for row in await tx.execute(query)] == [("DONE", one.placed.amount)]
    assert (await bed.toss.ledger())["kept"][one.placed.payment_no] == 0
    assert await bed.shelf(one.product_id) == 100
    await bed.assert_whole()


@pytest.mark.slow
async def test_p15_toss_has_had_enough_of_us(bed: Bed) -> None:
    """429: after a few nothing more is sent, shoppers hear at once; it is over when Toss says so."""
    some = [await ready(bed) for _ in range(8)]
    await bed.toss.fault("too_many", on="all", **ALWAYS)
    for one in some:
        assert UNSURE in (await one.come_back()).text
    started = time.monotonic()
    assert UNSURE in (await some[0].come_back()).text
    assert time.monotonic() - started < 2.0
    await bed.toss.http.delete("/sandbox/faults")
    await becomes_paid(bed, *some)
    await bed.assert_whole()


async def _web_payment_id(bed: Bed, one: Ready) -> int:
    query = select(web_payments.c.web_payment_id).where(web_payments.c.payment_no == one.placed.payment_no)
    async with bed.m.db.read() as tx:
        return int((await tx.execute(query)).scalar_one())


async def _operator(bed: Bed, word: str) -> Shopper:
    person, operator = await hana(bed.m, word), bed.shopper()
    await run_over_http(operator, person)
    return operator


async def _refund(operator: Shopper, number: int, amount: int) -> httpx.Response:
    page = (await operator.get(f"/admin/payments/{number}")).text
    nonce = re.search(r'name="nonce" value="([0-9a-f]{32})"', page)
    assert nonce, page
    form = {"nonce": nonce[1], "amount": str(amount), "reason": "단순 변심"}
    return await operator.post(f"/admin/payments/{number}/refunds", **form)
