"""Load from Python: requests that may be sent only once, and requests at a steady pace."""

import asyncio
import gc
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from bench.wrk import Answers, WrongAnswerError

LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
LIMIT = 2**20
TRIES = 3
NETWORKS = 2**16


def compose(
    method: str, path: str, *, cookie: str = "", form: Mapping[str, object] | None = None, caller: int = 0
) -> bytes:
    """Return a whole request as a phone sends it: htmx for a cart's forms, a browser for all else.

    ``caller`` numbers where it comes from, each a network of its own. The shop believes it because it is
    told that this machine is its proxy, and so counts each caller by itself: the rate limits are at work,
    and nobody comes near one.
    """
    body = urlencode(form).encode() if form is not None else b""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: shop",
        "Accept-Encoding: gzip, deflate, br",
        "Accept-Language: ko-KR,ko;q=0.9",
        "Sec-Fetch-Site: same-origin",
        f"X-Forwarded-For: 20.{caller >> 8 & 255}.{caller & 255}.7",
    ]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    if form is not None:
        lines += ["HX-Request: true", "HX-Request-Type: partial"] if path.startswith("/cart/") else []
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, head with the trailing empty line, body."""

    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        """Where it leads."""
        found = re.search(rb"(?i)\r\n(?:location|hx-redirect): (\S+)", self.head)
        return found[1].decode() if found else ""


class Wire:
    """One connection, kept, and opened again when the server has ended it."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname, address.port)
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Reply:
        """Return the answer, once all of it is here. Raises WrongAnswerError.

        A kept connection may have ended meanwhile: the server ends each after a thousand requests.
        """
        for _ in range(TRIES):
            try:
                if self._open is None:
                    self._open = await asyncio.open_connection(*self._address, limit=LIMIT)
                return await self._exchange(*self._open, request)
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                self.close()
        raise WrongAnswerError("no answer")

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> Reply:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        return Reply(int(head.split(b" ", 2)[1]), head, body)

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None


@dataclass(slots=True)
class Tally:
    """What came of a slice so far."""

    right: Sequence[int]
    taken: list[float] = field(default_factory=list)
    size: int = 0

    def count(self, reply: Reply, seconds: float) -> None:
        """Note one answer. Raises WrongAnswerError."""
        if reply.status not in self.right:
            raise WrongAnswerError(f"{reply.status} {reply.body[:400].decode(errors='replace')}")
        self.taken.append(seconds)
        self.size += len(reply.head) + len(reply.body)

    def sum_up(self, seconds: float) -> Answers:
        """Return the whole."""
        cuts = statistics.quantiles(self.taken, n=100, method="inclusive")
        count = len(self.taken)
        return Answers(count, seconds, self.size // count, cuts[49] * 1000, cuts[98] * 1000)


async def send_once(url: str, requests: Sequence[bytes], connections: int, right: Sequence[int]) -> Answers:
    """Send each request once, as fast as the connections carry them. Raises WrongAnswerError."""
    tally, waiting = Tally(right), iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_send_rest(Wire(url), waiting, tally) for _ in range(connections)))
    return tally.sum_up(time.perf_counter() - began)


async def send_paced(url: str, requests: Sequence[bytes], rate: float, seconds: float) -> Answers:
    """Send ``rate`` requests a second, come what may; an answer's time counts from when it was due."""
    tally, wires = Tally((200,)), [Wire(url) for _ in range(64)]

    async def send(number: int, due: float) -> None:
        wire = wires.pop() if wires else Wire(url)
        reply = await wire.ask(requests[number % len(requests)])
        wires.append(wire)
        tally.count(reply, time.perf_counter() - due)

    sent = []
    gc.collect()
    gc.disable()  # it would look through all that was sent so far, and what is due then would count as late
    began = time.perf_counter()
    try:
        for number in range(round(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(asyncio.create_task(send(number, due)))
        await asyncio.gather(*sent)
    finally:
        gc.enable()
    for wire in wires:
        wire.close()
    return tally.sum_up(time.perf_counter() - began)


async def _send_rest(wire: Wire, waiting: Iterator[bytes], tally: Tally) -> None:
    for request in waiting:
        began = time.perf_counter()
        reply = await wire.ask(request)
        tally.count(reply, time.perf_counter() - began)
    wire.close()
