"""Budgets: one contract in Redis and in a process without it, where no flood may find a door open."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.core import ids
from app.core.clock import Clock
from app.core.errors import TooManyError
from app.infra import keys, limiter
from app.infra.limiter import Budget, Limiter, Rate
from app.infra.redis import Redis
from tests.shop import Shop

RATE = Rate(4, 60)
NOWHERE = "redis://127.0.0.1:1"


class SteppedClock(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = super().now()

    def now(self) -> datetime:
        return self.at

    def step(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(params=["in Redis", "without Redis"])
def budgets(request: pytest.FixtureRequest, shop: Shop, clock: SteppedClock) -> Limiter:
    return Limiter(shop.m.redis if request.param == "in Redis" else Redis(NOWHERE), clock)


def somebody(rate: Rate = RATE) -> Budget:
    return Budget("test", ids.token(), rate)


async def wait_of(budgets: Limiter, *asked: Budget) -> int:
    """The seconds that whoever asks is told to wait; 0 when it was spent."""
    try:
        await budgets.spend(*asked)
    except TooManyError as refused:
        return refused.retry_after
    return 0


async def test_all_may_be_spent_at_once_and_comes_back_evenly(budgets: Limiter, clock: SteppedClock) -> None:
    person, other = somebody(), somebody()
    assert [await wait_of(budgets, person) for _ in range(6)] == [0, 0, 0, 0, 15, 15]
    assert await wait_of(budgets, other) == 0
    clock.step(14)
    assert await wait_of(budgets, person) == 1
    clock.step(1)
    assert [await wait_of(budgets, person) for _ in range(2)] == [0, 15]
    clock.step(3600)
    assert [await wait_of(budgets, person) for _ in range(5)] == [0, 0, 0, 0, 15]


async def test_of_several_budgets_all_are_spent_or_none(budgets: Limiter, clock: SteppedClock) -> None:
    """What is refused for one reason does not use up the other."""
    narrow, wide = somebody(Rate(1, 60)), somebody()
    assert await wait_of(budgets, narrow, wide) == 0
    assert [await wait_of(budgets, narrow, wide) for _ in range(9)] == [60] * 9
    assert [await wait_of(budgets, wide) for _ in range(4)] == [0, 0, 0, 15]


async def test_what_turned_out_well_is_given_back(budgets: Limiter) -> None:
    person = somebody()
    for _ in range(20):
        assert await wait_of(budgets, person) == 0
        await budgets.give_back(person)
    assert [await wait_of(budgets, person) for _ in range(5)] == [0, 0, 0, 0, 15]


async def test_a_budget_never_holds_more_than_it_does_when_full(budgets: Limiter) -> None:
    person = somebody()
    for _ in range(20):
        await budgets.give_back(person)
    assert [await wait_of(budgets, person) for _ in range(5)] == [0, 0, 0, 0, 15]


async def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours(
    budgets: Limiter, clock: SteppedClock
) -> None:
    person = somebody()
    for _ in range(4):
        await budgets.spend(person)
    clock.step(-7200)
    assert [await wait_of(budgets, person) for _ in range(5)] == [0, 0, 0, 0, 15]
    clock.step(15)
    assert [await wait_of(budgets, person) for _ in range(2)] == [0, 15]


async def test_when_redis_goes_the_process_goes_on_counting(
    shop: Shop, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for Redis to fail gets a second budget, not an endless one."""
    budgets, person = Limiter(shop.m.redis, clock), somebody()
    for _ in range(4):
        await budgets.spend(person)
    monkeypatch.setattr(budgets, "_redis", Redis(NOWHERE))
    assert [await wait_of(budgets, person) for _ in range(6)] == [0, 0, 0, 0, 15, 15]


async def test_something_else_at_the_key_opens_no_door(shop: Shop, clock: SteppedClock) -> None:
    budgets, person = Limiter(shop.m.redis, clock), somebody()
    key = keys.limit(person.name, ids.fingerprint(person.whose))
    await shop.m.redis.command("LPUSH", key, "x")
    assert [await wait_of(budgets, person) for _ in range(5)] == [0, 0, 0, 0, 15]
    await shop.m.redis.command("DEL", key)


async def test_in_redis_nobody_is_named_and_nothing_stays(shop: Shop, clock: SteppedClock) -> None:
    person = replace(somebody(), whose="211.36.1.7/32")
    await Limiter(shop.m.redis, clock).spend(person)
    key = keys.limit("test", ids.fingerprint("211.36.1.7/32"))
    assert "211.36.1.7" not in key
    assert 0 < await shop.m.redis.command("PTTL", key) <= 15_000
    await shop.m.redis.command("DEL", key)


async def test_a_flood_from_everywhere_takes_no_more_memory_than_is_set_aside(
    clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "REMEMBERED_HERE", 100)
    budgets = Limiter(Redis(NOWHERE), clock)
    for number in range(1000):
        budgets.spend_here(Budget("test", str(number), RATE))
    assert len(budgets._full_at) == 100


def test_counting_costs_a_page_next_to_nothing(clock: SteppedClock) -> None:
    """Each page and file is counted: it must not be felt."""
    budgets = Limiter(Redis(NOWHERE), clock)
    wide = Rate(1_000_000, 60)
    costs = [
        cpu_of(lambda: budgets.spend_here(Budget("a", "x", wide), Budget("a", "y", wide))) for _ in range(200)
    ]
    assert min(costs) < 0.001


def cpu_of(work: Callable[[], None]) -> float:
    import time

    began = time.thread_time()
    work()
    return time.thread_time() - began
