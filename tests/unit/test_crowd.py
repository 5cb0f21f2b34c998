"""The door for a crowd: few inside, everybody else past it, and no place is ever lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.web import crowd
from app.web.crowd import AT_WORK, PREFIX, Crowd, outside

Answer = Callable[[Any], Awaitable[None]]


class Shop:
    """A shop that counts who is inside, and answers when the test lets it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.taken = asyncio.Event()  # the phone takes its page
        self.elsewhere = asyncio.Event()  # what is waited for outside
        self.begun = self.inside = self.most = self.answered = 0
        self.steps_out = False
        self.kept: set[asyncio.Task[None]] = set()
        self.door = Crowd(self._serve, lambda _scope: False, "language")

    async def _serve(self, _scope: Any, _receive: Any, send: Answer) -> None:
        self.begun += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.steps_out:
            self.inside -= 1
            await outside(self.elsewhere.wait())
            self.inside += 1
            self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1
        self.answered += 1
        await send({"type": "http.response.start"})

    async def _take(self, _message: Any) -> None:
        await self.taken.wait()

    def ask(self, path: str = PREFIX) -> asyncio.Task[None]:
        scope: Any = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        task = asyncio.create_task(self.door(scope, self.taken.wait, self._take))  # type: ignore[arg-type]
        self.kept.add(task)
        return task


async def moments(count: int = 20) -> None:
    """Let everybody do what they can without waiting."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_few_are_worked_on_at_a_time_and_all_are() -> None:
    shop = Shop()
    crowd = [shop.ask() for _ in range(10)]
    await moments()
    assert shop.inside == AT_WORK
    shop.open.set()
    shop.taken.set()
    await asyncio.gather(*crowd)
    assert (shop.most, shop.answered) == (AT_WORK, 10)


async def test_everybody_else_goes_past() -> None:
    shop = Shop()
    for _ in range(10):
        shop.ask()
    shop.ask("/products/1")
    await moments()
    assert shop.inside == AT_WORK + 1


async def test_whoever_waits_for_something_leaves_the_place_to_another() -> None:
    shop = Shop()
    shop.steps_out = True
    for _ in range(3 * AT_WORK):
        shop.ask()
    await moments(60)
    assert shop.begun == 3 * AT_WORK  # and wait outside
    shop.elsewhere.set()
    await moments(60)
    assert shop.inside == AT_WORK
    shop.open.set()
    shop.taken.set()
    await asyncio.gather(*shop.kept)
    assert (shop.most, shop.answered) == (AT_WORK, 3 * AT_WORK)


async def test_a_phone_that_takes_its_page_slowly_keeps_no_place() -> None:
    shop = Shop()
    shop.open.set()
    for _ in range(3 * AT_WORK):
        shop.ask()
    await moments(60)
    assert shop.answered == 3 * AT_WORK
    shop.taken.set()
    await asyncio.gather(*shop.kept)


async def test_whoever_hangs_up_keeps_no_place_though_the_work_goes_on() -> None:
    """The shop's views are not interrupted: they come back from outside when nobody is there any more."""
    shop = Shop()
    shop.steps_out = True
    views: list[asyncio.Task[None]] = []

    async def uninterrupted(scope: Any, receive: Any, send: Answer) -> None:
        views.append(asyncio.create_task(shop._serve(scope, receive, send)))
        await asyncio.shield(views[-1])

    shop.door = Crowd(uninterrupted, lambda _scope: False, "language")
    gone = [shop.ask() for _ in range(3 * AT_WORK)]
    await moments(60)
    for one in gone:
        one.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    shop.elsewhere.set()
    shop.open.set()
    shop.taken.set()
    await asyncio.gather(*views)
    after = [shop.ask() for _ in range(AT_WORK)]
    async with asyncio.timeout(5):
        await asyncio.gather(*after)


async def test_beyond_so_many_everybody_is_told_by_one_page_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "MOST_WAITING", 3)
    monkeypatch.setattr(crowd, "EACH_AGAIN", 0.5)
    drawn: list[Any] = []
    placed: list[Any] = []
    told: list[Any] = []
    shut = asyncio.Event()

    async def serve(scope: Any, _receive: Any, send: Answer) -> None:
        if crowd.FOR_ALL not in scope:
            await shut.wait()
        drawn.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a place"})

    async def take(message: Any) -> None:
        told.append(message)

    def take_place(scope: Any) -> bool:
        placed.append(scope["query_string"])
        return True

    door = Crowd(serve, take_place, "language")
    sent = [(b"host", b"shop"), (b"cookie", b"sid=secret; language=en"), (b"accept-encoding", b"gzip, br")]

    def ask(number: int) -> asyncio.Task[None]:
        scope: Any = {"type": "http", "method": "GET", "path": f"{PREFIX}1", "headers": sent}
        scope["query_string"] = str(number).encode()
        return asyncio.create_task(door(scope, asyncio.Event().wait, take))  # type: ignore[arg-type]

    crowded = [ask(number) for number in range(AT_WORK + 3)]
    await moments()
    await asyncio.gather(*(ask(number) for number in range(10, 14)))
    assert placed == [b"10", b"11", b"12", b"13"]
    assert drawn == [[(b"host", b"shop"), (b"accept-language", b"en"), (b"accept-encoding", b"br")]]
    assert [one["headers"] for one in told[::2]] == [[(b"refresh", b"%d" % n)] for n in (4, 4, 5, 5)]
    assert [one["body"] for one in told[1::2]] == [b"a place"] * 4
    shut.set()
    await asyncio.gather(*crowded)
