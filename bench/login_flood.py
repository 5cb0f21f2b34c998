"""What a flood of log-ins does to a product page, and whether an answer's time tells who has an account.

./dev bench login_flood: real servers, two web processes, bcrypt at the cost that shoppers get.
"""

import asyncio
import os
import re
import secrets
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from app.machines import build_machines
from tests.goods import mug
from tests.processes import RunningShop, serving
from tests.shop import settings_for
from tests.stack import real
from tests.village import settle, unheard_of_id

COST = 12
AT_ONCE = 200
ROUNDS = 5
QUIET_SECONDS = 6.0
READERS = 2
SAMPLES = 200
GUESSES_PER_ACCOUNT = 8  # from the tenth on it would wait
WRONG = "틀린 비밀번호입니다"
KILO = 1024
SENDER_NICE = 5  # on the machine of the shop, the crowd must not take the shop's time


@dataclass(frozen=True)
class Form:
    """What one browser needs to send a form."""

    host: str
    port: int
    cookie: str
    csrf: str

    def log_in(self, signup_id: str) -> bytes:
        """Return a whole request that guesses a password."""
        body = urlencode({"csrf": self.csrf, "signup_id": signup_id, "password": WRONG}).encode()
        head = (
            f"POST /login HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {self.cookie}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass
class Latencies:
    """Seconds per answer."""

    taken: list[float] = field(default_factory=list)
    failed: int = 0

    def at(self, percent: int) -> float:
        """Return a percentile in milliseconds."""
        return statistics.quantiles(self.taken, n=100)[percent - 1] * 1000

    def __str__(self) -> str:
        return (
            f"n={len(self.taken)} p50={self.at(50):.1f} ms p99={self.at(99):.1f} ms "
            f"max={max(self.taken) * 1000:.1f} ms failed={self.failed}"
        )


class Wire:
    """One connection, kept."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)

    async def expect(self, status: HTTPStatus, request: bytes) -> None:
        """Ask, and insist on the answer's status."""
        got = await self.ask(request)
        if got != status:
            raise RuntimeError(f"answered {got}, not {status}")

    async def ask(self, request: bytes) -> int:
        """Return the answer's status, once all of it is here."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await self._reader.readexactly(int(length[1]) if length else 0)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def flood(form: Form, start: object, results: object) -> None:
    """Send AT_ONCE wrong log-ins at the same moment, each time ``start`` is told to; a process of its own."""

    async def once() -> tuple[float, dict[int, int]]:
        wires = [Wire(form.host, form.port) for _ in range(AT_ONCE)]
        for wire in wires:
            await wire.open()
        began = time.perf_counter()
        answers = await asyncio.gather(*(wire.ask(form.log_in(unheard_of_id("who"))) for wire in wires))
        took = time.perf_counter() - began
        for wire in wires:
            wire.close()
        return took, dict(Counter(answers))

    os.nice(SENDER_NICE)
    while start.get():  # type: ignore[attr-defined]
        results.put(asyncio.run(once()))  # type: ignore[attr-defined]


def main(_args: list[str]) -> int:
    """Measure, and print."""
    asyncio.run(measure())
    return 0


async def measure() -> None:
    """Compare answers by kind, and pages with and without the flood."""
    with tempfile.TemporaryDirectory() as name, real(Path(name)) as stack:
        folder = Path(name) / "shop"
        folder.mkdir()
        settings = {"BCRYPT_COST": str(COST), "WEB_WORKERS": "2"}
        async with serving(stack, folder, **settings) as shop:
            m = build_machines(replace(settings_for(stack, folder), bcrypt_cost=COST))
            product_id = await mug(m)
            count = SAMPLES // GUESSES_PER_ACCOUNT + 1
            people = [await settle(m, "known", "김민지", "01012345678") for _ in range(count)]
            await m.close()
            form = await fill_in(shop)
            await compare_times(form, [person.signup_id for person in people])
            await compare_pages(shop, form, f"/products/{product_id}")


async def fill_in(shop: RunningShop) -> Form:
    """Get a form and the cookie it is bound to."""
    buyer = shop.buyer()
    page = await buyer.get("/login")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    if found is None:
        raise RuntimeError("the log-in page has no form token")
    address = urlsplit(shop.url)
    cookie = "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items())
    return Form(str(address.hostname), int(address.port or 0), cookie, found[1])


async def compare_times(form: Form, known: list[str]) -> None:
    """Guess for ids that exist and ids that do not, turn about."""
    wire = Wire(form.host, form.port)
    await wire.open()
    times = {"wrong password": Latencies(), "unknown user": Latencies()}
    for number in range(SAMPLES + 2):
        for kind, signup_id in (
            ("wrong password", known[number % len(known)]),
            ("unknown user", unheard_of_id("nobody")),
        ):
            began = time.perf_counter()
            await wire.expect(HTTPStatus.UNPROCESSABLE_ENTITY, form.log_in(signup_id))
            if number > 1:  # the first ones warm up
                times[kind].taken.append(time.perf_counter() - began)
    wire.close()
    medians = {kind: taken.at(50) for kind, taken in times.items()}
    for kind, taken in times.items():
        print(f"{kind}: {taken}")
    first, second = medians.values()
    print(f"medians differ by {abs(first - second) / max(first, second):.1%} (goal: under 10 %)")


async def compare_pages(shop: RunningShop, form: Form, url: str) -> None:
    """Read a product page with and without a flood, turn about."""
    request = f"GET {url} HTTP/1.1\r\nHost: {form.host}:{form.port}\r\n\r\n".encode()
    before, quiet, busy, answers, took = memory(shop), Latencies(), Latencies(), Counter[int](), []
    with flooding(form) as (start, results):
        for number in range(ROUNDS + 1):
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(QUIET_SECONDS if number else 2, stop.set)
            await read(form, request, stop, quiet if number else Latencies())
            if not number:
                before = memory(shop)
                continue
            stop = asyncio.Event()
            start.put("go")  # type: ignore[attr-defined]
            reading = asyncio.create_task(read(form, request, stop, busy))
            seconds, statuses = await asyncio.to_thread(results.get)  # type: ignore[attr-defined]
            stop.set()
            await reading
            answers.update(statuses)
            took.append(seconds)
    print(f"product page alone:            {quiet}")
    print(f"product page, {AT_ONCE} log-ins at once: {busy}")
    print(f"p99 differs by {busy.at(99) - quiet.at(99):.1f} ms (goal: under 50 ms)")
    print(
        f"log-ins by status, {ROUNDS} rounds: {dict(answers)}; a round took {statistics.median(took):.1f} s"
    )
    print(f"memory of the web processes: {before:.1f} MB before, {memory(shop):.1f} MB after")


@contextmanager
def flooding(form: Form) -> Iterator[tuple[object, object]]:
    """Run the flood beside us: what it costs to send it must not be measured."""
    spawn = get_context("spawn")
    start, results = spawn.Queue(), spawn.Queue()
    process = spawn.Process(target=flood, args=(form, start, results), daemon=True)
    process.start()
    yield start, results
    start.put(None)
    process.join()


async def read(form: Form, request: bytes, stop: asyncio.Event, into: Latencies) -> None:
    """Ask for a page again and again, a few at a time, until told to stop."""

    async def one() -> None:
        wire = Wire(form.host, form.port)
        await wire.open()
        while not stop.is_set():
            began = time.perf_counter()
            try:
                into.failed += await wire.ask(request) != HTTPStatus.OK
            except asyncio.IncompleteReadError:  # the server ends a connection after a thousand requests
                await wire.open()
                continue
            into.taken.append(time.perf_counter() - began)
            await asyncio.sleep(secrets.randbelow(20) / 1000)
        wire.close()

    await asyncio.gather(*(one() for _ in range(READERS)))


def memory(shop: RunningShop) -> float:
    """Return what the web processes hold, in MB."""
    kilobytes = 0
    for pid in shop.pids("web"):
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        kilobytes += int(found[1]) if found else 0
    return kilobytes / KILO
