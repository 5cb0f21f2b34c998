"""Many come back from Toss for a few pieces: in their turn, told where they stand, charged once or never."""

import asyncio
import dataclasses
import html
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from quart import Response
from sqlalchemy import select

from app.core.errors import CommitUnknownError
from app.core.message import decode
from app.infra.background import Background
from app.infra.db import Database
from app.infra.limiter import Rate
from app.infra.log import trace
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.main import create_app
from app.models import outbox
from app.orders import service as order_service
from app.orders.order import NewOrder, OrderLine, Recipient
from app.payments import charge, confirm, settle, store
from app.payments import service as payments
from app.payments.arrival import Arrival, Result
from app.payments.attempt import Attempt
from app.payments.payment import TossPayment
from app.payments.turns import service as turns
from app.payments.turns.claim import Claim, claim
from app.payments.turns.store import KeyTakenError
from app.payments.turns.till import Till
from app.stock import service as stock
from app.web import crowd, limits
from tests.buyer import Buyer, assert_books, attempts, back, left, make_older, states
from tests.goods import mug
from tests.shop import Shop, eventually, settings_for
from tests.stack import Stack
from tests.toss_stand import Stand

PIECES, BUYERS, TOGETHER = 3, 6, 2
PLACE = re.compile(r"앞에 (\d+)명")


@dataclasses.dataclass
class Door:
    """A way back that is shut: who comes is in line, until the test opens it."""

    m: Machines
    opened: asyncio.Event

    async def claim(self, m: Machines, claims: Any) -> Any:
        await self.opened.wait()
        return await claim(m, claims)


@pytest_asyncio.fixture(loop_scope="session")
async def door(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """Two are served at a time, and nobody waits long before an empty page."""
    m = dataclasses.replace(shop.m, background=Background(), _kept={**shop.m._kept})
    m._kept.pop(turns.Turns, None)
    door = Door(m, asyncio.Event())
    monkeypatch.setitem(shop.app.extensions, "machines", m)
    monkeypatch.setattr(turns, "CLAIM_AT_ONCE", TOGETHER)
    monkeypatch.setattr(turns, "claim", door.claim)
    monkeypatch.setattr(confirm, "TURN_SECONDS", 0.3)
    monkeypatch.setattr(confirm, "WAIT_SECONDS", 0.3)
    yield door
    door.opened.set()
    await m.background.drain(10)


async def text(answer: Response) -> str:
    return str(await answer.get_data(as_text=True))


async def ready(new_buyer: Callable[[], Buyer], count: int, *wanted: tuple[int, int]) -> list[Any]:
    """Buyers who have pressed the button in Toss's window, their orders, and their ways back."""
    found = []
    for _ in range(count):
        buyer = new_buyer()
        order_no = await buyer.order(*wanted)
        found.append((buyer, order_no, await buyer.authenticate(order_no)))
    return found


async def poll(buyer: Buyer, page: str) -> tuple[Response, str]:
    """Ask as the page does by itself."""
    found = re.search(r'data-hx-get="([^"]+)" data-hx-trigger="every \d+s"', page)
    assert found, page
    answer = await buyer.visitor.get(html.unescape(found[1]), htmx=True)
    return answer, await text(answer)


async def test_they_are_served_in_the_order_they_came_and_told_where_they_stand(
    shop: Shop, stand: Stand, door: Door, new_buyer: Callable[[], Buyer]
) -> None:
    cup = await mug(shop.m, quantity=PIECES)
    crowd = await ready(new_buyer, BUYERS, (cup, 1))
    pages = []
    for buyer, _, url in crowd:
        answer = await buyer.come_back(url)
        assert answer.status_code == 200
        pages.append(await text(answer))
    assert "다시 결제하지 마시고" in pages[0]  # the first is at the counter
    waiting = pages[1:]
    assert all("아직 결제되지 않았습니다" in page and "순서는 그대로" in page for page in waiting)
    assert all('http-equiv="refresh"' in page for page in waiting)
    assert [int(found[1]) if (found := PLACE.search(page)) else 0 for page in waiting] == [0, 1, 2, 3, 4]
    assert {status for _, order_no, _ in crowd for status in (await states(shop, order_no))[1]} == {"PENDING"}
    _, again = await poll(crowd[-1][0], pages[-1])
    assert "앞에 4명" in again  # the place is kept, and a reload is no second one
    door.opened.set()

    async def decided() -> bool:
        found = [await states(shop, order_no) for _, order_no, _ in crowd]
        return all(tries[0] in {"PAID", "FAILED"} for _, tries in found)

    await eventually(decided, 20)
    orders = [order_no for _, order_no, _ in crowd]
    paid = [(await states(shop, order_no))[0] == "PAID" for order_no in orders]
    assert paid == [True] * PIECES + [False] * (BUYERS - PIECES)
    happy, _ = await poll(crowd[1][0], pages[1])
    assert happy.headers["HX-Redirect"] == f"/orders/{orders[1]}"
    late, told = await poll(crowd[-1][0], pages[-1])
    assert late.status_code == 409
    assert "결제되지 않았습니다" in told
    assert "every" not in told  # it asks no more
    assert await left(shop, [cup]) == [0]
    await assert_books(shop, stand, *orders)


async def test_a_process_that_dies_with_a_line_has_charged_nobody_and_the_way_back_works_again(
    shop: Shop, stand: Stand, door: Door, new_buyer: Callable[[], Buyer], monkeypatch: pytest.MonkeyPatch
) -> None:
    cup = await mug(shop.m)
    crowd = await ready(new_buyer, 2, (cup, 1))
    for buyer, _, url in crowd:
        await buyer.come_back(url)
    orders = [order_no for _, order_no, _ in crowd]
    await door.m.background.drain(0)  # it dies: what it was about to do is not done
    assert [await states(shop, order_no) for order_no in orders] == [("PENDING", ["PENDING"])] * 2
    await assert_books(shop, stand, *orders)
    monkeypatch.setattr(turns, "claim", claim)
    monkeypatch.setitem(shop.app.extensions, "machines", shop.m)
    for buyer, _, url in crowd:
        await buyer.come_back(url)

    async def paid() -> bool:
        return [(await states(shop, order_no))[0] for order_no in orders] == ["PAID"] * 2

    await eventually(paid)
    await assert_books(shop, stand, *orders)


async def test_whoever_hangs_up_takes_nobody_elses_answer_along(
    shop: Shop, door: Door, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same way back in two tabs: one is closed while both wait for the same place."""
    monkeypatch.setattr(confirm, "TURN_SECONDS", 40.0)
    monkeypatch.setattr(confirm, "WAIT_SECONDS", 40.0)
    order_no = await buyer.order((await mug(shop.m), 1))
    query = parse_qs(urlsplit(await buyer.authenticate(order_no)).query)
    arrival = Arrival(query["paymentKey"][0], query["orderId"][0], int(query["amount"][0]))
    tabs = [
        asyncio.create_task(confirm.confirm_return(door.m, arrival.payment_no, arrival)) for _ in range(2)
    ]
    await asyncio.sleep(0.2)
    tabs[0].cancel()
    await asyncio.gather(tabs[0], return_exceptions=True)
    door.opened.set()
    found = await tabs[1]
    assert isinstance(found, Result)
    assert found.attempt.status == "PAID"


async def test_beyond_a_crowd_the_place_is_kept_and_told_by_a_page_for_everybody(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    with monkeypatch.context() as full:
        full.setattr(crowd, "MOST_WAITING", 0)
        answer = await buyer.come_back(url)
        page = await text(answer)
        assert answer.status_code == 200
        assert "결제 순서를 기다리고 있습니다" in page
        assert "아직 결제되지 않았습니다" in page
        assert int(answer.headers["Refresh"]) >= 3
        assert not answer.headers.getlist("Set-Cookie")
        assert answer.headers["Cache-Control"] == "no-store"
        assert order_no not in page
        assert 'name="csrf"' not in page
        await eventually(lambda: is_paid(shop, order_no), 30)  # though nobody looks
        looked = await buyer.visitor.client.head(url)
        assert "Refresh" not in looked.headers  # who only looks takes no place
    assert (await buyer.come_back(url)).headers["Location"] == f"/orders/{order_no}"
    await assert_books(shop, stand, order_no)


async def test_a_place_taken_at_the_door_counts_like_any_page(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MOST_WAITING", 0)
    monkeypatch.setattr(limits, "READS", dataclasses.replace(limits.READS, name="few", rate=Rate(3, 60)))
    visitor = shop.visitor(f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}")
    flood = [back(f"nobody-{number}", "key", 1000) for number in range(5)]
    answers = [await visitor.get(url) for url in flood]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]


async def is_paid(shop: Shop, order_no: str) -> bool:
    return (await states(shop, order_no))[0] == "PAID"


async def line_up(shop: Shop, stand: Stand, cup: int, *quantities: int) -> tuple[list[str], list[Claim]]:
    """Let so many have ordered a cup, or several, and pressed the button in Toss's window."""
    m = shop.m
    orders, found = [], []
    to = Recipient("김민지", "01012345678", "04524", "서울", "", "")
    for number, quantity in enumerate(quantities):
        line = OrderLine(cup, "달빛 머그", "", "mug.svg", 12_000, quantity)
        until = m.clock.now() + timedelta(minutes=30)
        async with m.db.write() as tx:
            new = NewOrder(f"g:line-{cup}-{number}", None, 1, (line,), 3_000, to, until)
            order = await order_service.place(tx, new)
            await payments.open_attempt(tx, order, None)
            attempt = await store.select_open(tx, order.order_id)
        assert attempt is not None
        key, _ = await stand.approve(attempt.total_price, orderId=attempt.payment_no)
        orders.append(order.order_no)
        found.append(Claim(attempt, order, key))
    return orders, found


async def settle_all(shop: Shop, stand: Stand, orders: list[str]) -> None:
    """Let the reconciliation ask about what was claimed; then the books agree."""
    for order_no in orders:
        await make_older(shop, order_no, 0.2)

    async def settled() -> bool:
        await payments.reconcile_due(shop.m)
        found = [await states(shop, order_no) for order_no in orders]
        return all("CONFIRMING" not in tries for _, tries in found)

    await eventually(settled, 20)
    await assert_books(shop, stand, *orders)


async def told(shop: Shop, claims: list[Claim]) -> list[str]:
    """Claim, and return where the attempts stand by what is said."""
    return [one.status if isinstance(one, Attempt) else "" for one in await claim(shop.m, claims)]


async def test_each_of_a_batch_has_an_outcome_of_its_own(shop: Shop, stand: Stand) -> None:
    """Two are fine, one was canceled meanwhile, one wants too much, one brings another's key."""
    cup = await mug(shop.m, quantity=6)
    orders, claims = await line_up(shop, stand, cup, 1, 1, 6, 1, 1)
    await payments.cancel_order(shop.m, claims[1].order)
    claims[3] = dataclasses.replace(claims[3], payment_key=claims[0].payment_key)
    first, second, third, fourth, fifth = await claim(shop.m, claims)
    assert isinstance(first, Attempt)
    assert (first.status, first.idempotency_key) == ("CONFIRMING", claims[0].key)
    assert second is None
    assert isinstance(third, Attempt)
    assert third.status == "FAILED"
    assert isinstance(fourth, KeyTakenError)
    assert isinstance(fifth, Attempt)
    tried = [(await states(shop, order_no))[1] for order_no in orders]
    assert tried == [["CONFIRMING"], ["CANCELED"], ["FAILED", "PENDING"], ["PENDING"], ["CONFIRMING"]]
    assert await left(shop, [cup]) == [4]
    await settle_all(shop, stand, orders)


async def test_whoever_canceled_meanwhile_holds_nothing_of_the_batch(shop: Shop, stand: Stand) -> None:
    cup = await mug(shop.m, quantity=6)
    orders, claims = await line_up(shop, stand, cup, 1, 1, 1)
    await payments.cancel_order(shop.m, claims[1].order)
    outcomes = await claim(shop.m, claims)
    assert [isinstance(outcome, Attempt) for outcome in outcomes] == [True, False, True]
    assert await left(shop, [cup]) == [4]
    await settle_all(shop, stand, orders)


async def test_those_who_come_too_late_all_get_another_attempt(shop: Shop, stand: Stand) -> None:
    cup = await mug(shop.m, quantity=3)
    orders, claims = await line_up(shop, stand, cup, 3, 3, 3, 3)
    assert isinstance((await claim(shop.m, claims[:1]))[0], Attempt)
    assert await told(shop, claims[1:]) == ["FAILED"] * 3
    for order_no in orders[1:]:
        failed, opened = await attempts(shop, order_no)
        assert (failed.payment_status, failed.failure_code) == ("FAILED", "OUT_OF_STOCK")
        assert (opened.payment_status, opened.total_price, opened.open_slot) == ("PENDING", 39_000, 1)
        assert opened.payment_no != failed.payment_no
    assert await claim(shop.m, claims[1:]) == [None] * 3  # once more changes nothing
    assert [len(await attempts(shop, order_no)) for order_no in orders] == [1, 2, 2, 2]
    await settle_all(shop, stand, orders)


@pytest.mark.parametrize("lost", ["reply", "commit"])
async def test_a_batch_whose_commit_nobody_answered_is_read_back(
    shop: Shop, stand: Stand, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    cup = await mug(shop.m, quantity=3)
    orders, claims = await line_up(shop, stand, cup, 1, 1, 1)
    real, still = Database.retrying, [lost]

    async def lossy(db: Database, work: Callable[..., Awaitable[Any]]) -> Any:
        if not still:
            return await real(db, work)
        if still.pop() == "reply":
            await real(db, work)
        raise CommitUnknownError("lost")

    monkeypatch.setattr(Database, "retrying", lossy)
    outcomes = await claim(shop.m, claims)
    keys = [one.idempotency_key for one in outcomes if isinstance(one, Attempt)]
    assert keys == [one.key for one in claims]
    assert await left(shop, [cup]) == [0]
    await settle_all(shop, stand, orders)


async def test_who_wants_more_than_there_is_never_waits_for_the_row(
    shop: Shop, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that takes no lock says so: the guarded update is left to those who may still get some."""
    cup = await mug(shop.m, quantity=1)
    orders, claims = await line_up(shop, stand, cup, 2, 2)

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("the row was asked for")

    monkeypatch.setattr(stock, "reserve", never)
    monkeypatch.setattr(stock, "reserve_together", never)
    assert await told(shop, claims) == ["FAILED", "FAILED"]
    await settle_all(shop, stand, orders)


async def test_an_order_that_has_ended_gets_no_other_attempt(shop: Shop, stand: Stand) -> None:
    orders, claims = await line_up(shop, stand, await mug(shop.m, quantity=1), 2, 2)
    async with shop.m.db.write() as tx:
        assert await order_service.close_unpaid(tx, claims[0].order, "CANCELED")
    await claim(shop.m, claims)
    tried = [await states(shop, order_no) for order_no in orders]
    assert tried == [("CANCELED", ["FAILED"]), ("PENDING", ["FAILED", "PENDING"])]


async def pay_at_once(shop: Shop, claims: list[Claim]) -> tuple[list[Attempt], list[TossPayment]]:
    """Let goods be held and Toss have the money, and our books know nothing of it yet."""
    granted = [one for one in await claim(shop.m, claims) if isinstance(one, Attempt)]
    assert len(granted) == len(claims)
    return granted, [
        await shop.m.toss.confirm(
            one.payment_key or "", one.payment_no, one.total_price, one.idempotency_key or ""
        )
        for one in granted
    ]


async def take_in(shop: Shop, claims: list[Claim], granted: list[Attempt], paid: list[TossPayment]) -> Any:
    """Let them all come to the till at once, each under a trace of its own."""
    till = Till(shop.m)

    async def come(number: int) -> bool:
        trace.set(f"till-{number}")
        return await till.settle(granted[number], claims[number].order, paid[number])

    return await asyncio.gather(*map(come, range(len(claims))))


@pytest_asyncio.fixture(loop_scope="session")
async def quiet(stack: Stack, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop without a worker: what is announced stays where it can be read."""
    own = dataclasses.replace(stack, database_url=stack.create_database())
    settings = settings_for(own, tmp_path)
    m = build_machines(settings)
    await migrate(m.db)
    yield Shop(own, m, create_app(settings, m))
    await m.close()


async def test_those_paid_at_the_same_moment_come_into_the_books_together(quiet: Shop, stand: Stand) -> None:
    orders, claims = await line_up(quiet, stand, await mug(quiet.m), 1, 1, 1)
    granted, paid = await pay_at_once(quiet, claims)
    assert await take_in(quiet, claims, granted, paid) == [True] * 3
    assert [await states(quiet, order_no) for order_no in orders] == [("PAID", ["PAID"])] * 3
    moments = {(await attempts(quiet, order_no))[0].updated_at for order_no in orders}
    assert len(moments) == 1  # one transaction
    async with quiet.m.db.read() as tx:
        bodies = (await tx.execute(select(outbox.c.body).where(outbox.c.type == "order.paid"))).scalars()
        told = {one.data["order_no"]: one.trace for one in (decode(body.encode()) for body in bodies)}
    assert [told[order_no] for order_no in orders] == ["till-0", "till-1", "till-2"]
    await assert_books(quiet, stand, *orders)


async def test_one_given_to_a_person_meanwhile_keeps_the_others_payments_apart(
    shop: Shop, stand: Stand
) -> None:
    orders, claims = await line_up(shop, stand, await mug(shop.m), 1, 1, 1)
    granted, paid = await pay_at_once(shop, claims)
    assert await settle.take_step(shop.m, granted[1], paid[1], settle.review)
    assert await take_in(shop, claims, granted, paid) == [False] * 3
    tried = [await states(shop, order_no) for order_no in orders]
    assert tried == [("PENDING", [status]) for status in ("CONFIRMING", "REVIEW", "CONFIRMING")]
    assert await take_in(shop, claims[::2], granted[::2], paid[::2]) == [True] * 2
    await charge.apply(shop.m, dataclasses.replace(granted[1], status="REVIEW"), paid[1])
    await assert_books(shop, stand, *orders)


async def test_an_order_that_has_ended_is_not_paid_with_the_others(shop: Shop, stand: Stand) -> None:
    """It should not happen; by itself it is paid, and somebody is told."""
    orders, claims = await line_up(shop, stand, await mug(shop.m), 1, 1)
    granted, paid = await pay_at_once(shop, claims)
    async with shop.m.db.write() as tx:
        assert await order_service.close_unpaid(tx, claims[0].order, "CANCELED")
    assert await take_in(shop, claims, granted, paid) == [False] * 2
    assert await states(shop, orders[1]) == ("PENDING", ["CONFIRMING"])
    for one, payment in zip(granted, paid, strict=True):
        assert await settle.settle(shop.m, one, payment)
    assert [await states(shop, order_no) for order_no in orders] == [
        ("CANCELED", ["PAID"]),
        ("PAID", ["PAID"]),
    ]


async def test_what_is_confirmed_for_different_goods_is_claimed_together(shop: Shop, stand: Stand) -> None:
    """And whoever wants too much of one thing takes nobody's other goods along."""
    cups = [await mug(shop.m, quantity=1) for _ in range(3)]
    lines = [await line_up(shop, stand, cup, quantity) for cup, quantity in zip(cups, (1, 2, 1), strict=True)]
    claims = [one for _, found in lines for one in found]
    outcomes = await claim(shop.m, claims)
    assert [isinstance(outcome, Attempt) for outcome in outcomes] == [True, False, True]
    assert await left(shop, cups) == [0, 1, 0]
    await settle_all(shop, stand, [order_no for orders, _ in lines for order_no in orders])
