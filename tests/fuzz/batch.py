"""A batch of requests, judged one by one, and together: what was refused must have changed nothing."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from app.core.errors import UnavailableError
from app.machines import Machines
from tests.chaos.rest import wait_for_rest
from tests.fuzz.books import Books, compare, read_books
from tests.fuzz.browser import Browser
from tests.fuzz.judge import AWAY, OURS, REFUSED, Answer, judge
from tests.fuzz.spoil import Request, sound, spoil
from tests.fuzz.wire import SilenceError

REST_SECONDS = 60.0
KEPT = 20  # of each kind of trouble
SHARE_SOUND = 0.03


@dataclass(slots=True)
class Tally:
    """Everything that was seen."""

    sent: int = 0
    raw: int = 0
    compared: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    sent_to: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    trouble: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    away_at: Counter[str] = field(default_factory=Counter)  # endpoints that answered 503
    away_because: Counter[str] = field(default_factory=Counter)  # what the shop's log says of it
    seconds: list[float] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def note(self, kind: str, what: str) -> None:
        """Note trouble."""
        self.counts[kind] += 1
        if len(self.trouble.setdefault(kind, [])) < KEPT:
            self.trouble[kind].append(what)

    def saw(self, request: Request, answer: Answer) -> None:
        """Count an answer and judge it."""
        self.statuses[answer.status] += 1
        self.sent_to[request.endpoint] += 1
        self.away_at[request.endpoint] += answer.status == AWAY
        # Of an address that is there, 404 and 405 say nothing: they may stand for any other.
        if answer.status not in {400, 404, 405, 429, AWAY} and not answer.is_below:
            self.reached[request.endpoint] += 1
        self.seconds.append(answer.seconds)
        self.slowest = max(self.slowest, (answer.seconds, str(request)[:200]))
        if wrong := "; ".join(judge(request, answer)):
            self.note(
                "5xx" if answer.status >= OURS and answer.status != AWAY else "answers not as designed",
                f"{wrong}: {request}",
            )


@dataclass(slots=True)
class Fuzzer:
    """Who sends what to one shop."""

    m: Machines
    browsers: Sequence[Browser]
    rng: random.Random
    tally: Tally
    width: int = 1  # requests at once
    _books: Books | None = None  # as they were left

    def draw(self, *, refused: bool) -> tuple[Browser, Request]:
        """Draw a request of anybody to any route."""
        rng = self.rng
        browser, route = rng.choice(self.browsers), rng.choice(self.browsers[0].atlas.routes)
        draft = sound(rng, route, browser.seen)
        if refused or rng.random() >= SHARE_SOUND:
            spoil(rng, draft, refused=refused)
        return browser, draft.seal(browser.host, browser.cookies)

    async def run(self, size: int, *, refused: bool) -> None:
        """Send a batch; ``refused``: one of which nothing should be accepted.

        Where something was, what was refused is sent once more by itself.
        """
        before = self._books or await self._read_at_rest()
        self._books = None
        asked = [self.draw(refused=refused) for _ in range(size)]
        answers = await self._send(asked)
        turned_away = [one for one, answer in zip(asked, answers, strict=True) if _is_refused(one[1], answer)]
        if len(turned_away) < sum(request.changes for _, request in asked):
            before = await self._read_at_rest()
            answers = await self._send(turned_away)
            if not all(_is_refused(one[1], answer) for one, answer in zip(turned_away, answers, strict=True)):
                return  # the world moved on, and somebody was let in now
        self._books = await self._read()
        self.tally.compared += len(turned_away)
        for difference in compare(before, self._books):
            said = "\n      ".join(str(request) for _, request in turned_away)
            self.tally.note("changes by refused requests", f"{difference}, after one of\n      {said}")

    def moved(self) -> None:
        """Know that somebody else changed something."""
        self._books = None

    async def _send(self, asked: Sequence[tuple[Browser, Request]]) -> list[Answer | None]:
        turn = asyncio.Semaphore(self.width)

        async def one(browser: Browser, request: Request) -> Answer | None:
            async with turn:
                self.tally.sent += 1
                try:
                    answer = await browser.ask(request)
                except SilenceError as error:
                    self.tally.note("requests without an answer", f"{error}: {request}")
                    return None
            self.tally.saw(request, answer)
            return answer

        return list(await asyncio.gather(*(one(*each) for each in asked)))

    async def _read_at_rest(self) -> Books:
        """Read the books once they stay as they are: messages may still be in a worker's hands."""
        for what, after in (await wait_for_rest(self.m, REST_SECONDS)).items():
            if after is None:
                self.tally.note("not at rest in time", what)
        last: Books = {}
        books = await self._read()
        while last != books:
            last, books = books, await self._read()
        return books

    async def _read(self) -> Books:
        async with asyncio.timeout(REST_SECONDS):
            while True:
                with suppress(UnavailableError):  # the machine is loaded, and our patience that of the shop
                    return await read_books(self.m)


def _is_refused(request: Request, answer: Answer | None) -> bool:
    return request.changes and answer is not None and answer.status >= REFUSED
