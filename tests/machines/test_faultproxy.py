"""The bad network of the tests is bad in exactly the ways it was told to be."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.faultproxy import FaultProxy
from tests.shop import eventually

A_MOMENT = 0.2  # seconds in which nothing must come

# A client that can be killed: it sends each line it is given, and prints what is answered.
CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    for line in sys.stdin.buffer:
        server.sendall(line)
        print(server.recv(100).decode(), end="", flush=True)
"""


class Echo:
    """A server that gives back what it got, and remembers it."""

    def __init__(self) -> None:
        self.got = b""
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while chunk := await reader.read(65_536):
                self.got += chunk
                writer.write(chunk)
                await writer.drain()
        except ConnectionResetError:
            pass
        writer.close()

    async def has(self, text: bytes) -> None:
        """Wait until a text has arrived."""

        async def has_come() -> bool:
            return text in self.got

        await eventually(has_come)


class Client:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, text: bytes) -> None:
        self.writer.write(text)

    async def say(self, text: bytes) -> bytes:
        """Send a text and return as many bytes of the answer."""
        self.send(text)
        return await asyncio.wait_for(self.reader.readexactly(len(text)), 5)

    async def hears_nothing(self) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), A_MOMENT)

    async def is_reset(self) -> None:
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(self.reader.read(1), 5)
        self.writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def echo() -> AsyncIterator[Echo]:
    yield Echo()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    with FaultProxy(*server.sockets[0].getsockname()) as proxy:
        yield proxy
    server.close()


async def dial(proxy: FaultProxy) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", proxy.port))


async def assert_serves(proxy: FaultProxy, text: bytes) -> None:
    """A new connection answers."""
    client = await dial(proxy)
    assert await client.say(text) == text
    client.writer.close()


async def assert_resets(proxy: FaultProxy) -> None:
    """A new connection is reset, at once or when it is used."""
    try:
        client = await dial(proxy)
    except ConnectionResetError:
        return
    await client.is_reset()


@pytest_asyncio.fixture(loop_scope="session")
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    client = await dial(proxy)
    assert await client.say(b"hello") == b"hello"
    yield client
    client.writer.transport.abort()


@pytest.fixture
def other(proxy: FaultProxy) -> Iterator[subprocess.Popen[bytes]]:
    """A client that is a process of its own."""
    argv = [sys.executable, "-c", CLIENT, str(proxy.port)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def give(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin
    process.stdin.write(line)
    process.stdin.flush()


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    return process.stdout.readline()


async def test_a_healthy_proxy_changes_nothing(proxy: FaultProxy) -> None:
    clients = [await dial(proxy) for _ in range(50)]
    texts = [f"{number} ".encode() * 10_000 for number in range(50)]
    assert await asyncio.gather(*map(Client.say, clients, texts)) == texts
    for client in clients:
        client.writer.write_eof()
        assert await asyncio.wait_for(client.reader.read(), 5) == b""
        client.writer.close()


async def test_a_client_that_has_said_everything_still_gets_its_answer(proxy: FaultProxy) -> None:
    proxy.latency(0.05)
    client = await dial(proxy)
    client.send(b"last words")
    client.writer.write_eof()
    assert await asyncio.wait_for(client.reader.read(), 5) == b"last words"
    client.writer.close()


async def test_latency_delays_each_direction_once(proxy: FaultProxy, client: Client) -> None:
    proxy.latency(0.1)
    started = time.monotonic()
    for _ in range(5):
        client.send(b"ping ")
        await asyncio.sleep(0.01)
    await client.reader.readexactly(25)
    assert 0.2 <= time.monotonic() - started < 0.9  # chunks travel behind each other; one by one: 1 s
    proxy.heal()
    started = time.monotonic()
    await client.say(b"ping")
    assert time.monotonic() - started < 0.2


async def test_a_throttle_is_a_speed_limit(proxy: FaultProxy, client: Client) -> None:
    proxy.throttle(10_000)
    started = time.monotonic()
    await client.say(b"x" * 3_000)
    assert 0.3 <= time.monotonic() - started < 2


async def test_in_a_black_hole_connections_stay_open_and_silent(
    proxy: FaultProxy, client: Client, echo: Echo
) -> None:
    proxy.blackhole()
    another = await dial(proxy)
    client.send(b"one")
    another.send(b"two")
    await client.hears_nothing()
    await another.hears_nothing()
    assert echo.got == b"hello"
    proxy.heal()
    assert await client.reader.readexactly(3) == b"one"
    assert await another.reader.readexactly(3) == b"two"
    another.writer.close()


async def test_refusing_ends_every_connection_until_healed(proxy: FaultProxy, client: Client) -> None:
    proxy.refuse()
    await client.is_reset()
    await assert_resets(proxy)
    proxy.heal()
    await assert_serves(proxy, b"again")


async def test_a_reset_is_for_the_connections_there_are(proxy: FaultProxy, client: Client) -> None:
    proxy.reset_all()
    await client.is_reset()
    await assert_serves(proxy, b"again")


async def test_a_server_that_is_away_resets_and_comes_back_behind_the_same_address(echo: Echo) -> None:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    with FaultProxy(host, port) as proxy:
        await assert_resets(proxy)
        server = await asyncio.start_server(echo.serve, host, port)
        await assert_serves(proxy, b"again")
    server.close()


async def test_a_request_is_done_and_its_reply_dropped(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.drop_reply(b"COMMIT", times=2)
    assert await client.say(b"SELECT") == b"SELECT"
    client.send(b"COMMIT 1")
    await client.is_reset()
    await (second := await dial(proxy)).say(b"BEGIN")
    second.send(b"COMMIT 2")
    await second.is_reset()
    await assert_serves(proxy, b"COMMIT 3")
    assert b"COMMIT 1" in echo.got
    assert b"COMMIT 2" in echo.got


async def test_a_reply_is_cut_after_some_bytes(proxy: FaultProxy, client: Client) -> None:
    proxy.cut_reply(4, b"POST")
    client.send(b"POST /confirm")
    assert await client.reader.readexactly(4) == b"POST"
    await client.is_reset()


async def test_a_match_is_found_in_two_halves(proxy: FaultProxy, client: Client, echo: Echo) -> None:
    proxy.drop_reply(b"EVALSHA")
    assert await client.say(b"*3 EVA") == b"*3 EVA"
    client.send(b"LSHA 7")
    await client.is_reset()
    assert echo.got.endswith(b"LSHA 7")


async def test_only_what_comes_after_another_request_of_the_same_connection_is_trapped(
    proxy: FaultProxy, client: Client
) -> None:
    proxy.drop_reply(b"COMMIT", after=b"INSERT")
    assert await client.say(b"COMMIT") == b"COMMIT"
    assert await client.say(b"INS") == b"INS"
    assert await client.say(b"ERT") == b"ERT"
    await assert_serves(proxy, b"COMMIT")
    client.send(b"COMMIT")
    await client.is_reset()


async def test_a_request_is_held_before_it_reaches_the_server(
    proxy: FaultProxy, client: Client, echo: Echo
) -> None:
    with proxy.breakpoint(b"COMMIT") as stop:
        assert await client.say(b"BEGIN") == b"BEGIN"
        client.send(b"COMMIT")
        await stop.hit()
        await client.hears_nothing()
        assert b"COMMIT" not in echo.got
        await assert_serves(proxy, b"COMMIT 2")  # one chunk is held
        stop.release()
        assert await client.reader.readexactly(6) == b"COMMIT"
    assert await client.say(b"COMMIT") == b"COMMIT"


async def test_a_reply_is_held_after_the_server_did_the_work(
    proxy: FaultProxy, client: Client, echo: Echo
) -> None:
    with proxy.breakpoint(b"COMMIT", side="reply") as stop:
        client.send(b"COMMIT")
        await stop.hit()
        assert b"COMMIT" in echo.got
        await client.hears_nothing()
    assert await client.reader.readexactly(6) == b"COMMIT"


async def test_a_reply_that_is_no_answer_passes(proxy: FaultProxy, client: Client) -> None:
    with proxy.breakpoint(b"COMMIT", side="reply", answer=b"DONE") as stop:
        assert await client.say(b"COMMIT") == b"COMMIT"
        assert await client.say(b"heartbeat") == b"heartbeat"
        client.send(b"DONE")
        await stop.hit()
        await client.hears_nothing()
    assert await client.reader.readexactly(4) == b"DONE"


async def test_what_never_comes_is_said_in_a_sentence(proxy: FaultProxy, client: Client) -> None:
    with proxy.breakpoint(b"COMMIT", side="reply") as stop:
        with pytest.raises(
            AssertionError, match=r"No reply with b'COMMIT' passed the proxy of 127.0.0.1:\d+"
        ):
            await stop.hit(0.05)
        assert await client.say(b"BEGIN") == b"BEGIN"
    assert await client.say(b"COMMIT") == b"COMMIT"


async def test_healing_releases_what_is_held(proxy: FaultProxy, client: Client) -> None:
    with proxy.breakpoint(b"COMMIT") as stop:
        client.send(b"COMMIT")
        await stop.hit()
        proxy.heal()
        assert await client.reader.readexactly(6) == b"COMMIT"


async def test_a_breakpoint_may_be_of_one_process(
    proxy: FaultProxy, client: Client, other: subprocess.Popen[bytes]
) -> None:
    with proxy.breakpoint(b"COMMIT", of=lambda: [other.pid]) as stop:
        assert await client.say(b"COMMIT") == b"COMMIT"
        give(other, b"COMMIT other\n")
        await stop.hit()
        assert stop.pids == {other.pid}
    assert await asyncio.to_thread(line_of, other) == b"COMMIT other\n"


@pytest.mark.parametrize("side", ["request", "reply"])
async def test_a_client_is_killed_at_the_very_instant(
    proxy: FaultProxy, other: subprocess.Popen[bytes], echo: Echo, side: str
) -> None:
    with proxy.breakpoint(b"COMMIT", side="reply" if side == "reply" else "request") as stop:
        give(other, b"COMMIT\n")
        await stop.hit()
        os.kill(other.pid, signal.SIGKILL)
    assert other.wait(5) == -signal.SIGKILL
    await asyncio.sleep(A_MOMENT)
    assert echo.got == (b"COMMIT\n" if side == "reply" else b"")


async def test_a_killed_client_is_gone_for_the_server_while_its_request_is_held(
    proxy: FaultProxy, other: subprocess.Popen[bytes], echo: Echo
) -> None:
    with proxy.breakpoint(b"COMMIT") as stop:
        give(other, b"BEGIN\n")
        await echo.has(b"BEGIN")
        give(other, b"COMMIT\n")
        await stop.hit()
        other.kill()

        async def is_gone() -> bool:
            return echo.writers[0].transport.is_closing()

        await eventually(is_gone)
    assert echo.got == b"BEGIN\n"


async def test_a_blocked_loop_does_not_block_the_proxy(
    proxy: FaultProxy, client: Client, other: subprocess.Popen[bytes]
) -> None:
    proxy.refuse()
    give(other, b"ping\n")
    assert other.wait(5) != 0  # waits in this thread: the reset came from the other
