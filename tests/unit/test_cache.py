"""A cache: never older than it says while its source answers, and nobody waits for what is in use."""

import asyncio

import pytest

from app.core.errors import DatabaseUnavailableError
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
    late = asyncio.create_task(shelf.get(1.1))
    await asyncio.sleep(0)
    assert not late.done()  # it is too old, and what refreshes it has not answered
    shelf.open.set()
    assert await late == 3


async def test_what_was_read_before_it_was_forgotten_does_not_come_back() -> None:
    shelf = Shelf()
    assert await shelf.get(0.0) == 1
    shelf.open.clear()
    assert await shelf.get(0.6) == 1
    await asyncio.sleep(0)
    shelf.cache.forget(["tea"])
    shelf.open.set()
    await shelf.background.drain(1)
    assert await shelf.get(0.7) == 3


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
