"""Answers that do not come, come late, twice or make no sense: one charge, one outcome, goods held."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from app.core.errors import CommitUnknownError, DatabaseUnavailableError
from app.payments import confirm, settle, store
from app.payments import service as payments
from app.payments.turns.claim import Claim, claim_one
from tests.buyer import Buyer, assert_books, attempts, left, make_older, mend, order_row, states, webhook
from tests.goods import mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand


@pytest.fixture(autouse=True)
def _impatient(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as in life."""
    monkeypatch.setattr(confirm, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(shop.m.toss, "_deadline", 0.8)


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def until(shop: Shop, order_no: str, status: str, attempt: str) -> None:
    """Wait until order and newest decided attempt stand so; let no check be far away."""

    async def there() -> bool:
        order, tries = await states(shop, order_no)
        if order == status and attempt in tries:
            return True
        await make_older(shop, order_no, 0.2)
        await payments.reconcile_due(shop.m)
        return False

    await eventually(there, 20)


CHARGED = [
    "timeout_after",
    "reset_after",
    "html_after",
    "truncated",
    "slow",
    "webhook_before_answer",
    "extra_fields",
]
NOT_CHARGED = ["timeout_before", "reset_before", "html_before", "too_many"]


@pytest.mark.parametrize("kind", CHARGED + NOT_CHARGED)
async def test_whatever_happens_to_the_answer_it_is_paid_once(
    shop: Shop, stand: Stand, buyer: Buyer, kind: str
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    await stand.fault(kind, seconds=1.5)
    answer = await buyer.come_back(url)
    page = await text(answer)
    assert answer.status_code in {200, 303}, page
    if answer.status_code == 200:
        assert "다시 결제하지 마시고" in page
    assert await left(shop, [cup]) == [99]
    await asyncio.gather(*(buyer.come_back(url) for _ in range(5)))
    await until(shop, order_no, "PAID", "PAID")
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)
    assert (await buyer.come_back(url)).headers["Location"] == f"/orders/{order_no}"


async def test_the_page_asks_by_itself_and_goes_to_the_order_when_it_is_decided(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("slow", seconds=1.5)
    page = await text(await buyer.come_back(url))
    poll = f"{url.partition('?')[0]}/status"
    assert f'data-hx-get="{poll}"' in page
    answer = await buyer.visitor.get(poll, htmx=True)
    assert 'hx-target="#payments-outcome"' in await text(answer)
    assert "<html" not in await text(answer)
    assert "다시 결제하지 마시고" in await text(await buyer.visitor.get(f"/orders/{order_no}"))
    await until(shop, order_no, "PAID", "PAID")
    assert (await buyer.visitor.get(poll, htmx=True)).headers["HX-Redirect"] == f"/orders/{order_no}"


async def test_while_the_answer_is_unknown_nothing_else_can_happen_to_the_order(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("html_before", ratio=1, on="all")
    await buyer.come_back(url)
    assert await states(shop, order_no) == ("PENDING", ["CONFIRMING"])
    assert (await buyer.visitor.post(f"/orders/{order_no}/cancellation")).status_code == 409
    answer = await buyer.visitor.get(f"/orders/{order_no}/payment")
    assert answer.headers["Location"] == f"/orders/{order_no}"
    await make_older(shop, order_no, 8)
    await payments.reconcile_due(shop.m)
    assert (await order_row(shop, order_no)).status == "PENDING"
    await mend(shop, stand)
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_a_payment_that_died_at_toss_gives_the_goods_back(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("html_before", ratio=1, on="all")
    await buyer.come_back(url)
    [attempt] = await attempts(shop, order_no)
    await stand.act(attempt.payment_key, "expire")
    await mend(shop, stand)
    await until(shop, order_no, "PENDING", "FAILED")
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)


async def test_an_error_that_toss_replays_is_met_with_a_new_key(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("reject", code="PROVIDER_ERROR")
    await buyer.come_back(url)
    [attempt] = await attempts(shop, order_no)
    assert attempt.payment_status == "CONFIRMING"
    await until(shop, order_no, "PAID", "PAID")
    assert (await attempts(shop, order_no))[0].idempotency_key != attempt.idempotency_key
    await assert_books(shop, stand, order_no)


async def test_what_toss_never_decides_goes_to_a_person(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("html_before", ratio=1, on="all")
    await buyer.come_back(url)
    await mend(shop, stand)
    await make_older(shop, order_no, 31)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])


async def claim(buyer: Buyer, order_no: str) -> tuple[Any, str]:
    """Stop right after the goods are held and the attempt is ours: the process died there."""
    url = await buyer.authenticate(order_no)
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    m = buyer.shop.m
    result = await confirm.find_result(m, query["orderId"])
    claimed = await claim_one(m, Claim(result.attempt, result.order, query["paymentKey"]))
    assert claimed is not None
    return claimed, url


async def test_a_death_between_holding_and_asking_toss_is_finished_by_the_reconciliation(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    await claim(buyer, order_no)
    assert await states(shop, order_no) == ("PENDING", ["CONFIRMING"])
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_a_death_between_the_charge_and_its_record_is_finished_by_the_reconciliation(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    claimed, url = await claim(buyer, order_no)
    await shop.m.toss.confirm(
        claimed.payment_key, claimed.payment_no, claimed.total_price, claimed.idempotency_key
    )
    assert "다시 결제하지 마시고" in await text(await buyer.come_back(url))
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_many_reconciliations_at_once_settle_once(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    claimed, _ = await claim(buyer, order_no)
    await asyncio.gather(*(payments.reconcile_due(shop.m) for _ in range(5)))
    await make_older(shop, order_no, 0.2)
    await asyncio.gather(*(payments.reconcile_due(shop.m) for _ in range(10)))
    await until(shop, order_no, "PAID", "PAID")
    assert await left(shop, [cup]) == [99]
    assert await stand.charges(claimed.payment_no) == 1
    await assert_books(shop, stand, order_no)


@pytest.mark.parametrize("lost", [("claim", True), ("claim", False), ("settle", True), ("settle", False)])
async def test_a_commit_nobody_answered_is_read_back(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch, lost: tuple[str, bool]
) -> None:
    """The connection is lost while COMMIT is on its way: it may have happened or not."""
    step, committed = lost
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    real = shop.m.db.retrying
    calls = {"claim": 1, "settle": 2}
    seen = 0

    async def lossy(work: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen != calls[step]:
            return await real(work)
        if committed:
            await real(work)
        raise CommitUnknownError("lost")

    db = _Replaced(shop.m.db, retrying=lossy)
    m = dataclasses.replace(shop.m, _kept={}, db=db)  # type: ignore[arg-type]
    monkeypatch.setitem(shop.app.extensions, "machines", m)
    await buyer.come_back(url)
    await until(shop, order_no, "PAID", "PAID")
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


async def test_a_claim_that_cannot_be_read_back_is_told_as_unknown(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    real = shop.m.db.retrying
    seen = 0

    async def lossy(work: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == 1:
            await real(work)
            raise CommitUnknownError("lost")
        raise DatabaseUnavailableError("gone")

    m = dataclasses.replace(shop.m, _kept={}, db=_Replaced(shop.m.db, retrying=lossy))  # type: ignore[arg-type]
    monkeypatch.setitem(shop.app.extensions, "machines", m)
    answer = await buyer.come_back(url)
    assert answer.status_code == 200
    assert "다시 결제하지 마시고" in await text(answer)
    monkeypatch.undo()
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_a_claim_that_is_not_committed_in_time_is_told_as_unknown(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database without space holds a commit for a minute; then it is there, and Toss is asked."""
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    real, has_space = shop.m.db.retrying, asyncio.Event()

    async def held(work: Any) -> Any:
        await has_space.wait()
        return await real(work)

    m = dataclasses.replace(shop.m, _kept={}, db=_Replaced(shop.m.db, retrying=held))  # type: ignore[arg-type]
    monkeypatch.setitem(shop.app.extensions, "machines", m)
    answer = await buyer.come_back(url)
    assert answer.status_code == 200
    assert "다시 결제하지 마시고" in await text(answer)
    has_space.set()
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_an_answer_that_comes_after_it_was_given_to_a_person_still_counts(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    """The clock was set forward: an attempt of this moment looked half an hour old."""
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("slow", seconds=0.6)
    await buyer.come_back(url)
    await make_older(shop, order_no, 31)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])
    await eventually(lambda: _is_paid(shop, order_no))
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_a_database_that_is_away_brings_the_browser_back_by_itself(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)

    async def away(_work: Any) -> Any:
        raise DatabaseUnavailableError("gone")

    m = dataclasses.replace(shop.m, _kept={}, db=_Replaced(shop.m.db, retrying=away))  # type: ignore[arg-type]
    monkeypatch.setitem(shop.app.extensions, "machines", m)
    answer = await buyer.come_back(url)
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "3")
    assert "다시 결제하지 마십시오" in await text(answer)
    monkeypatch.undo()
    await buyer.come_back(url)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


class _Replaced:
    """A machine with one of its methods replaced."""

    def __init__(self, machine: object, **replaced: object) -> None:
        self._machine = machine
        self.reserve = self  # money has connections of its own: they fail alike
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)


async def test_webhooks_first_twice_reversed_and_in_crowds_are_one_transition(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    key = url.partition("paymentKey=")[2].partition("&")[0]
    await webhook(shop, stand, key)  # before the redirect
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    await stand.fault("timeout_after")
    await buyer.come_back(url)
    done = {"status": "DONE"}
    answers = await asyncio.gather(*(webhook(shop, stand, key, **done) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    await webhook(shop, stand, key, status="CANCELED")  # reversed: says what is not so
    await eventually(lambda: _is_paid(shop, order_no))
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


async def test_a_forged_webhook_changes_nothing(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    key = url.partition("paymentKey=")[2].partition("&")[0]
    await stand.fault("html_before", ratio=1)  # whoever confirms fails; whoever asks is told the truth
    await buyer.come_back(url)
    [attempt] = await attempts(shop, order_no)
    payment = await shop.m.toss.find_by_key(key)
    assert payment is not None
    assert payment.status == "IN_PROGRESS"
    await webhook(shop, stand, key, status="DONE")
    assert not await settle.settle(shop.m, store._attempt(attempt), payment)
    assert await states(shop, order_no) == ("PENDING", ["CONFIRMING"])
    await mend(shop, stand)
    # Because it is confirmed in the end, not because of the webhook.
    await until(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def _is_paid(shop: Shop, order_no: str) -> bool:
    return bool((await order_row(shop, order_no)).status == "PAID")


async def test_it_is_paid_without_redis_and_without_the_broker(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    shop.stack.redis.kill()
    shop.stack.amqp.kill()
    try:
        answer = await new_buyer().come_back(url)
        assert answer.status_code == 200
        await eventually(lambda: _is_paid(shop, order_no))
    finally:
        shop.stack.redis.start()
        shop.stack.amqp.start()
    await eventually(lambda: _cart_is_empty(buyer))
    await assert_books(shop, stand, order_no)


async def _cart_is_empty(buyer: Buyer) -> bool:
    answer = await buyer.visitor.get("/cart")
    return answer.status_code == 200 and "cart-line-" not in await text(answer)
