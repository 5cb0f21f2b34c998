"""What comes over the wire and is no browser's: cut, refused or answered, and never waited for for ever."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from h2.connection import H2Connection
from h2.events import ResponseReceived
from hypercorn.asyncio import serve
from quart import Quart

from app import supervisor
from app.main import create_app
from app.server import QUIET_SECONDS, READ_SECONDS, configure
from app.settings import Settings
from app.web.guards import UNSAFE
from app.web.shape import FORM_BYTES, HEADER_BYTES, MOST_HEADERS, URL_BYTES
from sandbox import children
from tests.clients import inode_of
from tests.shop import eventually

SOON = 1  # seconds that stand for the half minute and more that a slow client gets
PATIENCE = 20.0
HOST = b"Host: localhost\r\n"
FORM = HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
ANOTHER = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what is smuggled: a second request


@dataclass(frozen=True)
class Wire:
    """Where a shop without machines listens."""

    app: Quart
    port: int

    async def send(self, *pieces: bytes) -> bytes:
        """Send pieces, and return all that comes back until the shop hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(PATIENCE):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wire() -> AsyncIterator[Wire]:
    """Hypercorn as app/server.py sets it up, only less patient."""
    door, stop = supervisor._open_door((children.LOOPBACK, 0)), asyncio.Event()
    assert door.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SOON * 1000)
    settings = Settings(
        secret_key="k", password_pepper="p", data_dir="nowhere",
        redis_url="redis://127.0.0.1:1", amqp_url="amqp://127.0.0.1:1",
    )  # fmt: skip
    app, config = create_app(settings), configure(settings)
    app.config["BODY_TIMEOUT"] = config.keep_alive_timeout = SOON
    config.read_timeout = SOON * 3
    port = door.getsockname()[1]
    config.bind = [f"fd://{door.detach()}"]
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    yield Wire(app, port)
    stop.set()
    await serving


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1.1 (\d{3})", answer)
    return int(found[1]) if found else 0


def closing(request: bytes) -> bytes:
    """The same request, after whose answer the shop hangs up."""
    return request.replace(HOST, HOST + b"Connection: close\r\n", 1)


def test_the_shop_waits_for_nobody_for_ever() -> None:
    """Hypercorn's own default waits without end; an answer must fit in, also one that waits for Toss."""
    config = configure(Settings())
    assert config.keep_alive_timeout == QUIET_SECONDS <= 60
    assert config.read_timeout == READ_SECONDS
    assert 60 <= READ_SECONDS <= 300
    assert config.h11_max_incomplete_size == config.h2_max_header_list_size == HEADER_BYTES


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
async def test_headers_that_do_not_end_are_cut_off(wire: Wire, head: bytes) -> None:
    assert status(await wire.send(head)) in {0, 408}


async def test_headers_that_trickle_in_are_cut_off_as_well(wire: Wire) -> None:
    """One byte at a time keeps the connection busy, and does not keep it open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")

    async def trickle() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(PATIENCE):
        assert status(await reader.read()) in {0, 408}
    trickling.cancel()
    writer.close()


async def test_a_body_that_does_not_end_is_a_page_that_says_so(wire: Wire) -> None:
    for url in (b"/login", b"/cart/undo", b"/checkout"):
        begun = b"POST " + url + b" HTTP/1.1\r\n" + FORM + b"Content-Length: 50\r\n\r\nsignup_id=a"
        answer = await wire.send(begun)
        assert status(answer) == 408, url
        assert "보내는 데 너무 오래 걸려 처리하지 않았습니다" in answer.decode()


async def test_slow_bodies_hold_no_place_among_those_who_log_in(wire: Wire) -> None:
    """Fifty forms that never end, and the next one is read all the same."""
    begun = b"POST /login HTTP/1.1\r\n" + FORM + b"Content-Length: 50\r\n\r\nsignup_id=a"
    slow = [asyncio.create_task(wire.send(begun)) for _ in range(50)]
    await asyncio.sleep(0)
    whole = await wire.send(closing(b"POST /login HTTP/1.1\r\n" + FORM + b"Content-Length: 3\r\n\r\na=b"))
    assert status(whole) == 403  # without a form token
    assert {status(answer) for answer in await asyncio.gather(*slow)} == {408}


SMUGGLED = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "chunks and no length": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "two lengths in one": b"Content-Length: 5, 6\r\n",
    "a length with a sign": b"Content-Length: +5\r\n",
    "a length below nothing": b"Content-Length: -1\r\n",
    "a length in hex": b"Content-Length: 0x5\r\n",
    "a length with a null byte": b"Content-Length: 5\0\r\n",
    "an endless length": b"Content-Length: " + b"9" * 30 + b"\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks in disguise": b"Transfer-Encoding: xchunked\r\n",
    "chunks after another": b"Transfer-Encoding: gzip, chunked\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n",
    "a name with a null byte": b"Content\0-Length: 5\r\n",
    "two hosts": b"Host: evil.example\r\nContent-Length: 5\r\n",
}


@pytest.mark.parametrize("what", SMUGGLED)
async def test_a_request_that_ends_in_two_ways_is_refused_and_so_is_what_follows(
    wire: Wire, what: str
) -> None:
    answer = await wire.send(b"POST /login HTTP/1.1\r\n" + FORM + SMUGGLED[what] + b"\r\n0\r\n\r\n" + ANOTHER)
    assert status(answer) in {400, 413, 501}, answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\n\r\nok\n" not in answer


async def test_a_body_in_chunks_alone_is_read(wire: Wire) -> None:
    chunked = b"POST /login HTTP/1.1\r\n" + FORM + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
    assert status(await wire.send(closing(chunked))) == 403


async def test_a_tunnel_through_the_proxy_is_not_spoken_in(wire: Wire) -> None:
    """By Upgrade: h2c a client would talk past the proxy, and claim any address it likes."""
    upgrade = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    )
    answer = await wire.send(upgrade)
    switched, _, frames = answer.partition(b"\r\n\r\n")
    assert status(switched) == 101
    client = H2Connection()
    client.initiate_upgrade_connection()
    [told] = [event for event in client.receive_data(frames) if isinstance(event, ResponseReceived)]
    assert dict(told.headers or [])[b":status"] == b"400"


async def test_too_large_headers_are_refused_however_they_arrive(wire: Wire) -> None:
    one = b"X: " + b"x" * HEADER_BYTES + b"\r\n"
    many = b"".join(b"X-%d: y\r\n" % number for number in range(MOST_HEADERS + 1))
    for headers in (one, many):
        for path in (b"/", b"/livez"):
            whole = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + headers + b"\r\n"
            assert status(await wire.send(whole)) == 431
    assert status(await wire.send(b"GET / HTTP/1.1\r\n" + HOST, one, one)) == 431


async def test_a_too_long_address_is_refused(wire: Wire) -> None:
    for path in (b"/" + b"a" * URL_BYTES, b"/search?q=" + b"a" * URL_BYTES):
        answer = await wire.send(closing(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"))
        assert status(answer) == 414
        assert "주소가 너무 길어" in answer.decode()


async def test_no_door_reads_more_than_a_form_whether_or_not_the_length_is_told(wire: Wire) -> None:
    large = b"x" * (FORM_BYTES + 1)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    file = b'Content-Disposition: form-data; name="a"; filename="a"\r\n\r\n%s' % (large * 4)
    part = b"--x\r\n%s\r\n--x--\r\n" % file
    parts = b"%x\r\n%s\r\n0\r\n\r\n" % (len(part), part)
    multipart = HOST + b"Content-Type: multipart/form-data; boundary=x\r\n"
    for rule in wire.app.url_map.iter_rules():
        if not set(rule.methods or ()) & set(UNSAFE):
            continue
        url = re.sub(r"<[^>]*>", "1", str(rule)).encode()
        for head, body in (
            (FORM + b"Content-Length: %d\r\n" % len(large), large),
            (FORM + b"Transfer-Encoding: chunked\r\n", chunks),
            (multipart + b"Transfer-Encoding: chunked\r\n", parts),
        ):
            answer = await wire.send(closing(b"POST " + url + b" HTTP/1.1\r\n" + head + b"\r\n" + body))
            assert status(answer) == 413, (url, head)


async def test_who_takes_no_answer_is_let_go(wire: Wire) -> None:
    """A reader that stands still holds a connection, and not for ever."""
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((children.LOOPBACK, wire.port))
        idle.send((b"GET /login HTTP/1.1\r\n" + HOST + b"\r\n") * 100)
        peer = idle.getsockname()[1]

        async def is_served() -> bool:
            return bool(inode_of(wire.port, peer))

        async def is_let_go() -> bool:
            return not await is_served()

        await eventually(is_served)
        await eventually(is_let_go, PATIENCE * 3)
