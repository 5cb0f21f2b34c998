"""Faults ordered at the sandbox happen as often and to whom they were ordered."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.toss.config import Config
from sandbox.toss.faults import MAGIC_AMOUNTS
from tests.toss_stand import Stand, basic, code, running_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(hang_seconds=30)) as running:
        yield running


@pytest.mark.parametrize(
    ("amount", "status"),
    [
        (990_006, 502),
        (990_007, 502),
        (990_009, 429),
        (990_010, 403),
        (990_011, 200),
        (990_012, 200),
        (990_018, 200),
    ],
)
async def test_a_magic_amount_meets_its_fault_once(stand: Stand, amount: int, status: int) -> None:
    payment_key, order_id = await stand.approve(amount)
    assert (await stand.confirm(payment_key, order_id, amount)).status_code == status
    again = await stand.confirm(payment_key, order_id, amount)
    assert again.status_code == (200 if MAGIC_AMOUNTS[amount] in {"html_before", "too_many"} else 400)


async def test_another_amount_is_what_the_books_say_too(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault("other_amount", match={"amount": 15_000, "orderId": order_id})
    assert (await stand.confirm(payment_key, order_id)).json()["totalAmount"] == 15_100
    assert (await stand.look_up(payment_key))["totalAmount"] == 15_100


async def test_surprises_are_added_and_nothing_is_taken_away(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault("extra_fields", match={"orderId": order_id})
    paid = (await stand.confirm(payment_key, order_id)).json()
    assert set(paid) > set(await stand.look_up(payment_key))
    assert paid["type"] == "SOMETHING_NEW"


async def test_a_refusal_ends_the_payment_and_a_hiccup_does_not(stand: Stand) -> None:
    for wanted, status in (("REJECT_CARD_COMPANY", "ABORTED"), ("PROVIDER_ERROR", "IN_PROGRESS")):
        payment_key, order_id = await stand.approve()
        await stand.fault("reject", code=wanted, match={"orderId": order_id})
        assert code(await stand.confirm(payment_key, order_id))[1] == wanted
        assert (await stand.look_up(payment_key))["status"] == status
        assert await stand.charges(order_id) == 0


async def test_faults_count_down_fit_and_are_taken_back() -> None:
    async with running_sandbox(Config()) as stand:
        await stand.fault("too_many", times=2, on="lookup")
        await stand.fault("html_before", times=1, on="all", match={"orderId": "somebody-else"})
        payment_key, _ = await stand.approve()
        url = f"/v1/payments/{payment_key}"
        statuses = [(await stand.http.get(url, headers=basic())).status_code for _ in range(3)]
        assert statuses == [429, 429, 200]
        await stand.fault("too_many", ratio=1.0, on="lookup")
        assert (await stand.http.get(url, headers=basic())).status_code == 429
        assert len((await stand.http.get("/sandbox/faults")).json()) == 2
        await stand.http.delete("/sandbox/faults")
        assert (await stand.http.get(url, headers=basic())).status_code == 200
        for wrong in ({"fault": "nothing"}, {"fault": "slow", "seconds": "soon"}, {}):
            assert (await stand.http.post("/sandbox/faults", json=wrong)).status_code == 400


async def test_a_fault_whose_turn_it_is_not_leaves_the_call_to_the_next(stand: Stand) -> None:
    payment_key, _ = await stand.approve()
    await stand.fault("html_before", ratio=1e-9, on="lookup")
    await stand.fault("too_many", ratio=1.0, on="lookup")
    answer = await stand.http.get(f"/v1/payments/{payment_key}", headers=basic())
    await stand.http.delete("/sandbox/faults")
    assert answer.status_code == 429
