"""The line: who came first is served first, nobody's kind stops the others, nobody is forgotten."""

import asyncio

import pytest

from app.infra.background import Background
from app.infra.line import Line


class Counter:
    """Somebody at work, one batch at a time as the test lets it."""

    def __init__(self, *, width: int, batch: int, gather: float = 0.0) -> None:
        self.background = Background()
        self.line = Line(self.background, self.serve, width=width, batch=batch, gather=gather)
        self.batches: list[list[str]] = []
        self.at_once = self.most_at_once = 0
        self.open = asyncio.Event()

    async def serve(self, batch: list[str]) -> None:
        self.batches.append(batch)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.open.wait()
        await asyncio.sleep(0)
        self.at_once -= 1

    async def done(self) -> list[list[str]]:
        self.open.set()
        await self.background.drain(5)
        return self.batches


async def test_first_come_first_served_and_so_many_together() -> None:
    counter = Counter(width=1, batch=3)
    for name in "abcdefgh":
        counter.line.join("hot", name)
    assert await counter.done() == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]


async def test_fewer_than_a_batch_wait_a_moment_for_more() -> None:
    counter = Counter(width=1, batch=3, gather=0.2)
    counter.line.join("cold", "a")
    await asyncio.sleep(0.01)
    counter.line.join("hot", "b")
    assert counter.batches == []
    assert await counter.done() == [["a", "b"]]


async def test_a_whole_batch_waits_for_nobody() -> None:
    counter = Counter(width=1, batch=3, gather=3600.0)
    for name in "abc":
        counter.line.join("hot", name)
    await asyncio.sleep(0.01)
    assert counter.batches == [["a", "b", "c"]]
    await counter.background.drain(0)


async def test_of_one_kind_one_batch_at_a_time_so_that_nobody_overtakes() -> None:
    counter = Counter(width=3, batch=1)
    for name in "abc":
        counter.line.join("hot", name)
        await asyncio.sleep(0)
    assert await counter.done() == [["a"], ["b"], ["c"]]
    assert counter.most_at_once == 1


async def test_another_kind_does_not_wait_behind_all_of_the_first() -> None:
    counter = Counter(width=1, batch=2)
    for name in "abcdef":
        counter.line.join("hot", name)
    counter.line.join("other", "z")
    assert (await counter.done())[1] == ["z", "c"]


async def test_what_room_is_left_is_for_the_next_kinds_in_turn() -> None:
    counter = Counter(width=1, batch=3)
    counter.line.join("first", "a")
    await asyncio.sleep(0)
    for kind in "vwxyz":
        counter.line.join(kind, kind)
    counter.line.join("w", "w again")
    assert await counter.done() == [["a"], ["v", "w", "w again"], ["x", "y", "z"]]


async def test_a_few_kinds_are_served_at_once() -> None:
    counter = Counter(width=3, batch=1)
    for kind in "12345":
        counter.line.join(kind, kind)
    await asyncio.sleep(0)
    await counter.done()
    assert counter.most_at_once == 3


async def test_everybody_knows_how_many_are_before_them() -> None:
    counter = Counter(width=1, batch=1)
    counter.line.join("hot", "served")
    await asyncio.sleep(0)
    spots = [counter.line.join("hot", name) for name in "abc"]
    assert [spot.before for spot in spots] == [0, 1, 2]
    await counter.done()
    assert [spot.before for spot in spots] == [0, 0, 0]


async def test_a_failure_is_not_the_end_of_those_behind(caplog: pytest.LogCaptureFixture) -> None:
    served: list[str] = []
    background = Background()

    async def serve(batch: list[str]) -> None:
        if batch == ["bad"]:
            raise ValueError("bad")
        served.extend(batch)

    line = Line(background, serve, width=1, batch=1, gather=0.0)
    for name in ("a", "bad", "b"):
        line.join("hot", name)
    await background.drain(5)
    line.join("hot", "later")
    await background.drain(5)
    assert served == ["a", "b", "later"]
    assert "not served" in caplog.text


async def test_it_is_served_though_whoever_put_it_there_has_gone() -> None:
    counter = Counter(width=1, batch=1)

    async def ask() -> None:
        counter.line.join("hot", "a")
        await asyncio.Event().wait()

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await counter.done() == [["a"]]
