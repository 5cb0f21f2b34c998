"""The slow network of the tests is as slow as it says: handshake, window, rate; and it changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from sandbox import children
from tests.shaper import REGULAR_3G, SEGMENT_BYTES, SLOW_4G, SLOWEST, Line, Profile, Road, Shaper

FAST = 1_000_000_000
SPARE = 1.0  # a loaded machine adds to what is waited for, and never takes away


def arrivals(road: Road, segments: int, now: float = 0.0) -> list[float]:
    return [road.carry(now, SEGMENT_BYTES) for _ in range(segments)]


def test_a_segment_arrives_half_a_round_trip_after_its_last_bit_has_left() -> None:
    road = Road(Line(SEGMENT_BYTES * 8 * 10), 0.4)
    assert arrivals(road, 3) == pytest.approx([0.3, 0.4, 0.5])


def test_ten_segments_leave_at_once_then_twice_as_many_each_round_trip() -> None:
    came = arrivals(Road(Line(FAST), 1.0), 70)
    assert [sum(int(at) == trip for at in came) for trip in range(3)] == [10, 20, 40]


def test_a_window_grown_by_what_came_earlier_stays_grown() -> None:
    road = Road(Line(FAST), 1.0)
    arrivals(road, 10)
    assert max(arrivals(road, 20, now=5.0)) == pytest.approx(5.5, abs=0.01)


def test_the_line_is_shared_and_the_windows_are_not() -> None:
    line = Line(SEGMENT_BYTES * 8 * 10)
    one, other = Road(line, 0.0), Road(line, 0.0)
    assert arrivals(one, 2) + arrivals(other, 2) == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_line_that_rested_has_saved_nothing_up() -> None:
    line = Line(SEGMENT_BYTES * 8 * 10)
    assert [line.take(now, SEGMENT_BYTES) for now in (0.0, 9.0)] == pytest.approx([0.1, 9.1])


def test_the_floor_is_the_one_that_was_computed_by_hand() -> None:
    """12 kB over TLS 1.3: connection, key exchange and question, then the bytes."""
    floors = [round(profile.floor(12_000, 3) * 1000) for profile in (SLOW_4G, REGULAR_3G, SLOWEST)]
    assert floors == [509, 1037, 1440]


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, profile: Profile) -> AsyncIterator[Shaper]:
    port = children.free_port()
    server = await asyncio.start_server(serve, children.LOOPBACK, port)
    with Shaper(f"http://{children.LOOPBACK}:{port}", profile) as shaper:
        yield shaper
    server.close()


async def send_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(bytes(range(256)) * 160)
    await writer.drain()
    writer.close()


async def test_bytes_come_whole_and_not_before_their_time() -> None:
    profile = Profile("test", 0.1, 1_638_400, 750_000)
    async with served(send_much, profile) as shaper:
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(children.LOOPBACK, shaper.port)
        writer.write(b"all of it\n")
        came = await reader.read(-1)
        took = asyncio.get_running_loop().time() - began
        writer.close()
    assert came == bytes(range(256)) * 160
    assert shaper.received == len(came)
    assert profile.floor(len(came), 2) <= took < profile.floor(len(came), 2) + SPARE


async def test_who_hangs_up_is_hung_up_on() -> None:
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        gone.set()

    async with served(wait, Profile("test", 0.01, FAST, FAST)) as shaper:
        _, writer = await asyncio.open_connection(children.LOOPBACK, shaper.port)
        writer.close()
        await asyncio.wait_for(gone.wait(), 10)
