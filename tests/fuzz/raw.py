"""What is no HTTP, or hardly: bytes for a socket."""

import random
from collections.abc import Callable

LINE = b"GET / HTTP/1.1\r\nHost: shop\r\n"
END = b"Connection: close\r\n\r\n"
POST = b"POST /cart/lines HTTP/1.1\r\nHost: shop\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n" + END
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
H2C = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
FRAME = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

FIXED = (
    b"\r\n\r\n",
    b"\0" * 40,
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/3.0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"get / http/1.1\r\nhost: a\r\n\r\n",
    b"GET  /  HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /\xed\xa0\x80 HTTP/1.1\r\nHost: a\r\n" + END,
    "GET /장바구니 HTTP/1.1\r\nHost: a\r\n".encode() + END,
    b"GET /%zz%%%00 HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /a\0b HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET http://evil.example/cart HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: a\r\n" + END,
    b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n" + END,
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET * HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET ? HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET cart HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET #x HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /?" + b"a=1&" * 3_900 + b" HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /?" + b"&" * 15_000 + b" HTTP/1.1\r\nHost: a\r\n" + END,
    b"GET /" + b"../" * 900 + b" HTTP/1.1\r\nHost: a\r\n" + END,
    b"A" * 100_000 + b" / HTTP/1.1\r\n\r\n",
    LINE + b"Host: two\r\n" + END,
    LINE + b"No colon\r\n" + END,
    LINE + b": empty\r\n" + END,
    LINE + b"A B: c\r\n" + END,
    LINE + b"X: a\r\n folded\r\n" + END,
    LINE + b"X: \0\r\n" + END,
    LINE + b"X: a\rb\r\n" + END,
    LINE + b"X\xff: a\r\n" + END,
    LINE + b"X: " + b"a" * 40_000 + b"\r\n" + END,
    LINE + b"X: a\r\n" * 4_000 + END,
    LINE + b"Cookie: \xff\xfe=\x80\r\n" + END,
    LINE + b"Cookie: " + b"a=b; " * 2_500 + b"\r\n" + END,
    LINE + b"Content-Length: -1\r\n" + END,
    LINE + b"Content-Length: 9" * 30 + b"\r\n" + END,
    LINE + b"Content-Length: 5\r\nContent-Length: 6\r\n" + END + b"hello",
    LINE + b"Content-Length: 0x5\r\n" + END + b"hello",
    LINE + b"Content-Length: 5, 5\r\n" + END + b"hello",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked, identity\r\n" + END,
    POST + b"Transfer-Encoding: xchunked\r\n" + END,
    POST + b"Transfer-Encoding : chunked\r\n" + END + b"0\r\n\r\n",
    CHUNKED + b"zz\r\n",
    CHUNKED + b"-1\r\n\r\n",
    CHUNKED + b"ffffffffffffffff\r\n",
    CHUNKED + b"5;" + b"a" * 30_000 + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\r\nhelloX\r\n",
    CHUNKED + b"0\r\nX: a\r\n\r\n",
    CHUNKED + b"1\r\na\r\n" * 3_000 + b"0\r\n\r\n",
    POST + b"Content-Length: 100\r\n" + END + b"short",
    POST + b"Content-Length: 99999999999\r\n" + END,
    POST + b"Content-Length: 0\r\nExpect: 200-maybe\r\n" + END,
    POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n" + END + b"a=1",
    LINE + UPGRADE + b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    LINE + UPGRADE + b"\r\n",
    LINE + UPGRADE + b"Sec-WebSocket-Key: \xff\r\nSec-WebSocket-Version: 99\r\n\r\n",
    LINE + H2C + b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    LINE + H2C + b"HTTP2-Settings: !!\r\n\r\n",
    LINE + b"Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n",
    LINE + b"\r\n" + LINE + END,
    LINE + b"\r\n" + b"\xff" * 50,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 80,
    FRAME,
    FRAME + b"\0" * 9,
    FRAME + b"\xff" * 60,
    FRAME + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\5\0\0\0\1\x82",
    FRAME + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\1\5\0\0\0\1\x82\x86\x84\xff",
    FRAME + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x0a\1\5\0\0\0\1\x82\x86\x84\x41\4shop?",
    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    b"\x05\x01\x00",
    b"*1\r\n$4\r\nPING\r\n",
    b"HELO shop\r\n",
    b"\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n",
)


def draw(rng: random.Random) -> bytes:
    """Return bytes for a socket."""
    return rng.choice(KINDS)(rng)


def _known(rng: random.Random) -> bytes:
    return rng.choice(FIXED)


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 400))


def _bent(rng: random.Random) -> bytes:
    """Return a sound request with a few bytes changed, dropped or put in."""
    sent = bytearray(POST + b"Content-Length: 22\r\n" + END + b"product_id=1&quantity=1")
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(sent))
        sent[place : place + rng.choice((0, 1, 1, 4))] = rng.randbytes(rng.choice((0, 1, 1, 3)))
    return bytes(sent)


def _cut(rng: random.Random) -> bytes:
    sent = POST + b"Content-Length: 22\r\n" + END + b"product_id=1&quantity=1"
    return sent[: rng.randrange(1, len(sent))]


def _frames(rng: random.Random) -> bytes:
    """Return HTTP/2 by somebody who has only heard of it."""
    frames = FRAME + b"\0\0\0\4\0\0\0\0\0"
    for _ in range(rng.randint(1, 8)):
        load = rng.randbytes(rng.randint(0, 40))
        frames += len(load).to_bytes(3, "big") + bytes((rng.randrange(12), rng.randrange(256)))
        frames += rng.choice((0, 1, 2, 3, 2**31 - 1)).to_bytes(4, "big") + load
    return frames


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    _known,
    _known,
    _known,
    _noise,
    _bent,
    _bent,
    _cut,
    _frames,
)
