"""A cache: never older than it says while its source answers, and nobody waits for what is in use."""

import asyncio

import pytest

from app.core.errors import DatabaseUnavailableError, UnavailableError
from app.infra.background import Background
from app.infra.cache import Cache


class Shelf:
    """A source whose one value is counted up with every question, and a clock."""

    def __init__(self) -> None:
        self.now, self.asked, self.away = 0.0, 0, False
        self.open = asyncio.Event()
        self.open.set()
        self.background = Background()
        self.cache = Cache(self.background, self.fetch, 1.0, 10)
        self.cache._clock = lambda: self.now

    async def fetch(self, keys: list[str]) -> dict[str, int]:
        if self.away:
            raise DatabaseUnavailableError("away")
        self.asked += 1
        answer = self.asked
        await self.open.wait()
        return dict.fromkeys(keys, answer)

    async def get(self, at: float) -> int:
        self.now = at
        return (await self.cache.get(["tea"]))["tea"]


async def test_what_is_in_use_is_fetched_before_it_is_old_and_nobody_waits() -> None:
    shelf = Shelf()
    assert [await shelf.get(at) for at in (0.0, 0.4)] == [1, 1]
    shelf.open.clear()
    assert await shelf.get(0.6) == 1  # it is being fetched
    shelf.open.set()
    await shelf.background.drain(1)
    assert [await shelf.get(at) for at in (0.7, 1.5)] == [2, 2]


async def test_nothing_older_than_it_may_be_is_given_while_the_source_answers() -> None:
    shelf = Shelf()
    assert await shelf.get(0.0) == 1
    shelf.open.clear()
    assert await shelf.get(0.9) == 1
    await asyncio.sleep(0)
    late = asyncio.create_task(shelf.get(1.1))
    later = asyncio.create_task(shelf.get(2.0))
    await asyncio.sleep(0)
    assert not late.done()  # it is too old, and what refreshes it has not answered
    shelf.open.set()
    assert [await late, await later] == [2, 3]  # what was asked a second ago is too old for who comes now


async def test_what_many_miss_is_asked_for_once() -> None:
    shelf = Shelf()
    shelf.open.clear()
    several = [asyncio.create_task(shelf.cache.get([key])) for key in ("tea", "cup", "tea", "pot", "cup")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    shelf.open.set()
    answers = await asyncio.gather(*several)
    assert [set(answer) for answer in answers] == [{"tea"}, {"cup"}, {"tea"}, {"pot"}, {"cup"}]
    assert shelf.asked == 1


async def test_what_is_in_use_is_fetched_anew_together_however_old_each_is() -> None:
    shelf = Shelf()
    for at, key in ((0.0, "tea"), (0.2, "cup"), (0.4, "pot")):
        shelf.now = at
        await shelf.cache.get([key])
        await shelf.cache.get([key])
    for at in (0.55, 0.75, 0.95, 1.0):
        shelf.now = at
        await shelf.cache.get(["tea", "cup", "pot"])
        await shelf.background.drain(1)
    assert shelf.asked == 4


async def test_who_leaves_takes_nothing_from_those_who_wait() -> None:
    shelf = Shelf()
    shelf.open.clear()
    leaves, stays = (asyncio.create_task(shelf.get(0.0)) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    shelf.open.set()
    assert await stays == 1


async def test_what_breaks_the_source_leaves_nobody_waiting() -> None:
    shelf = Shelf()

    async def breaks(_keys: list[str]) -> dict[str, int]:
        raise ValueError

    shelf.cache._fetch = breaks
    with pytest.raises(UnavailableError):
        await shelf.get(0.0)
    shelf.cache._fetch = shelf.fetch
    assert await shelf.get(0.0) == 1


async def test_what_does_not_exist_is_left_out() -> None:
    shelf = Shelf()

    async def knows_tea(_keys: list[str]) -> dict[str, int]:
        return {"tea": 1}

    shelf.cache._fetch = knows_tea
    assert await shelf.cache.get(["cup", "tea"]) == {"tea": 1}


async def test_what_nobody_asks_for_is_not_fetched() -> None:
    shelf = Shelf()
    await shelf.get(0.0)
    await shelf.get(0.1)
    shelf.now = 10.0
    await shelf.cache.get(["cup"])
    await shelf.cache.get(["cup"])
    shelf.now = 10.6
    await shelf.cache.get(["cup"])
    await shelf.background.drain(1)
    assert shelf.asked == 3
    assert "tea" not in shelf.cache._used


async def test_while_the_source_is_away_old_values_are_given_for_an_hour() -> None:
    shelf = Shelf()
    await shelf.get(0.0)
    shelf.away = True
    assert [await shelf.get(at) for at in (0.6, 2.0, 3600.0)] == [1, 1, 1]
    await shelf.background.drain(1)
    with pytest.raises(DatabaseUnavailableError):
        await shelf.get(3601.0)
