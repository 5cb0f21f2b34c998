"""A phone's network between a browser and the shop: a TCP proxy that delays, paces and starts slowly.

Every connection costs its handshake, has a congestion window of its own that begins at ten segments and
doubles each round trip, and shares the rate of the one access line with the others. Nothing is lost on it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from sandbox import children

SEGMENT_BYTES = 1460
FIRST_SEGMENTS = 10  # RFC 6928
SEGMENTS_UNDER_WAY = 256
SECONDS_FOR_THE_SHAPER = 10

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Profile:
    """A network: round trip in seconds, bits per second to the phone and from it."""

    name: str
    round_trip: float
    down: int
    up: int

    def floor(self, size: int, round_trips: float) -> float:
        """Return the seconds until so many bytes are here, when nothing but the network takes time."""
        road, asked = Road(Line(self.down), self.round_trip), self.round_trip * (round_trips - 0.5)
        sizes = [SEGMENT_BYTES] * (size // SEGMENT_BYTES) + [size % SEGMENT_BYTES]
        return max(road.carry(asked, part) for part in sizes)


# What Lighthouse calls slow 4G and regular 3G, and DevTools' target for slow 3G.
SLOW_4G = Profile("slow 4G", 0.150, 1_638_400, 750_000)
REGULAR_3G = Profile("3G", 0.300, 700_000, 700_000)
SLOWEST = Profile("400/400", 0.400, 400_000, 400_000)
PROFILES = (SLOW_4G, REGULAR_3G, SLOWEST)


class Line:
    """One direction of the access line: one segment after the other."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.free_at = 0.0

    def take(self, now: float, size: int) -> float:
        """Return when the last bit of so many bytes has left."""
        self.free_at = max(now, self.free_at) + size * 8 / self.rate
        return self.free_at


class Road:
    """One direction of one connection: its window, and what is under way."""

    def __init__(self, line: Line, round_trip: float) -> None:
        self.line = line
        self.round_trip = round_trip
        self.window = FIRST_SEGMENTS * SEGMENT_BYTES
        self.under_way: deque[tuple[float, int]] = deque()  # acknowledged when, how much
        self.bytes_under_way = 0

    def carry(self, now: float, size: int) -> float:
        """Return when a segment that is ready now arrives."""
        while self.under_way and (self.under_way[0][0] <= now or self.bytes_under_way + size > self.window):
            acknowledged, freed = self.under_way.popleft()
            now = max(now, acknowledged) if self.bytes_under_way + size > self.window else now
            self.bytes_under_way -= freed
            self.window += freed
        arrives = self.line.take(now, size) + self.round_trip / 2
        self.under_way.append((arrives + self.round_trip / 2, size))
        self.bytes_under_way += size
        return arrives


class Shaper:
    """In a thread and a loop of its own, so that a busy test does not slow the network down."""

    def __init__(self, url: str, profile: Profile) -> None:
        address = urlsplit(url)
        self.upstream = (address.hostname or "", address.port or 0)
        self.profile = profile
        self.port = children.free_port()
        self.url = f"{address.scheme}://{children.LOOPBACK}:{self.port}"
        self.down, self.up = Line(profile.down), Line(profile.up)
        self.received = 0  # bytes that have come back through it

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="shaper", daemon=True)
        self.thread.start()
        self.server = self.do(asyncio.start_server(self._serve, children.LOOPBACK, self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def do(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        """Do something in the shaper's own loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(step, self.loop).result(SECONDS_FOR_THE_SHAPER)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        # The proxy itself is asked in no time: what a handshake over this network takes is waited for here.
        connected = self.loop.time() + self.profile.round_trip
        try:
            server_reader, server_writer = await asyncio.open_connection(*self.upstream)
            writers.append(server_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, server_writer, self.up, connected))
                both.create_task(self._carry(server_reader, writer, self.down, connected))
        except* (OSError, asyncio.CancelledError):
            pass  # one side has gone, and so does the other
        finally:
            for each in writers:
                each.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line, connected: float
    ) -> None:
        road = Road(line, self.profile.round_trip)
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(SEGMENTS_UNDER_WAY)

        async def read() -> None:
            while segment := await reader.read(SEGMENT_BYTES):
                now = max(self.loop.time(), connected)
                await under_way.put((road.carry(now, len(segment)), segment))
            await under_way.put((self.loop.time() + self.profile.round_trip / 2, b""))

        async with asyncio.TaskGroup() as reading:
            reading.create_task(read())
            while True:
                due, segment = await under_way.get()
                await asyncio.sleep(max(0.0, due - self.loop.time()))
                if not segment:
                    break
                writer.write(segment)
                await writer.drain()
                self.received += len(segment) if line is self.down else 0
        with suppress(OSError):
            writer.write_eof()

    async def _end(self) -> None:
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
