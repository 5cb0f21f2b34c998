"""What nobody types: values, names, headers and bodies, drawn from a seeded source."""

import random
from urllib.parse import quote

from app.models import metadata
from tests.house.junk import VALUES

MARK = "<fz'\">"  # must never come back as it is
COLUMNS = sorted({column.name for table in metadata.tables.values() for column in table.columns})
HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Language",
    "Cookie",
    "Expect",
    "Forwarded",
    "From",
    "HX-Boosted",
    "HX-Current-URL",
    "HX-History-Restore-Request",
    "HX-Prompt",
    "HX-Request",
    "HX-Request-Type",
    "HX-Target",
    "HX-Trigger",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Origin",
    "Range",
    "Referer",
    "Remote-Addr",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "TE",
    "Upgrade-Insecure-Requests",
    "User-Agent",
    "Via",
    "X-CSRF-Token",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Real-IP",
    "X-Rewrite-URL",
)
KINDS = (
    "application/json",
    "application/xml",
    "text/plain",
    "text/html",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/mixed; boundary=x",
    "application/octet-stream",
    "x",
    "/",
    "",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=nonsense",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded\t; q=1",
)
METHODS = (
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PUT",
    "PATCH",
    "DELETE",
    "BREW",
    "get",
    "POST",
    "GET",
    "PROPFIND",
    "Q" * 40,
)
TAILS = (
    "/",
    "//",
    "/..",
    "/../admin",
    "/%2e%2e/%2e%2e/etc/passwd",
    "%00",
    ";a=b",
    "%0d%0aX-Injected:%201",
    "/x",
    "%ED%A0%80",
    "%FF",
    ".json",
    "~",
    "%2f",
    "%252e",
    "\\..\\",
    "*",
    "%u0041",
    "/%20",
)


def value(rng: random.Random) -> str:
    """Return a value as it travels in a form, percent-encoded."""
    drawn = rng.random()
    if drawn < 0.45:
        return rng.choice(list(VALUES.values()))
    if drawn < 0.55:
        return quote(MARK, safe="")
    if drawn < 0.75:
        return str(rng.choice((rng.randint(-5, 100), rng.randint(-(2**70), 2**70), rng.uniform(-1e3, 1e300))))
    if drawn < 0.9:
        return quote("".join(chr(code(rng)) for _ in range(rng.randint(0, 40))), safe="")
    return "".join(f"%{rng.randrange(256):02X}" for _ in range(rng.randint(1, 30)))


def code(rng: random.Random) -> int:
    """Return a code point of any alphabet, and now and then of none; never a lone surrogate."""
    low, high = rng.choice(
        (
            (0, 127),
            (0x80, 0x7FF),
            (0xAC00, 0xD7A3),
            (0x1100, 0x11FF),
            (0x1F300, 0x1FAFF),
            (0x200B, 0x202E),
            (0xE000, 0xE0FF),
            (0x10FFF0, 0x10FFFF),
            (0xFFF0, 0xFFFF),
        )
    )
    return rng.randint(low, high)


def header(rng: random.Random) -> str:
    """Return a header's value: any bytes but the three that end it."""
    drawn = rng.choice(
        (
            "",
            "x",
            "a" * 3_000,
            "true",
            "null",
            "0",
            "-1",
            "127.0.0.1",
            "https://evil.example",
            "gzip;q=x",
            "bytes=0-1,5-",
            "bytes=9999999999-",
            "100-continue",
            '"',
            'W/"x", *',
            "é\xff",
            "cross-site",
            "Thu, 99 Jan 1970 00:00:00 GMT",
            "a=b; a=c; =; sid",
            "sid=" + "A" * 43,
            "GET",
            "/admin/payments",
        )
    )
    if rng.random() < 0.2:
        drawn = "".join(
            chr(rng.choice((9, *range(32, 127), *range(128, 256)))) for _ in range(rng.randint(1, 60))
        )
    return drawn.strip()


def body(rng: random.Random) -> bytes:
    """Return a body that is none of ours."""
    return rng.choice(BODIES)


def _multipart(parts: int, depth: int) -> bytes:
    inner = b"\r\n".join(
        b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1' % part for part in range(parts)
    )
    for level in range(depth):
        inner = b"--y%d\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n%s\r\n--y%d--\r\n" % (
            level,
            inner,
            level,
        )
    return inner + b"\r\n--x--\r\n"


BODIES = (
    b"",
    b"\0",
    b"&" * 2_000,
    b"=" * 2_000,
    b"%" * 999,
    b"a=1&" * 5_000,
    b"[" * 20_000,
    b'{"quantity": 1}',
    b'{"a": ',
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    bytes(range(256)) * 8,
    b"csrf=\xed\xa0\x80&quantity=\xff",
    "수량=하나".encode("utf-16"),
    b"\x1f\x8b\x08\x00junk",
    _multipart(3, 0),
    _multipart(2_000, 0),
    _multipart(5, 200),
    b"--x\r\n" * 3_000,
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../x"\r\n\r\n',
    b"x" * 70_000,
    b"x" * 200_000,
)
