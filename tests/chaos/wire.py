"""A small HTTP/1.1 client: a crowd on one core would spend most of it in a large one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

GONE = ("max-age=0", "expires=thu, 01 jan 1970")
BAD_ANSWER = (OSError, EOFError, ValueError, TimeoutError)  # EOFError: the connection ended in the middle

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CutError(Exception):
    """The connection ended, or nothing came, before the whole answer was there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")


@dataclass(slots=True)
class Wire:
    """One browser's connections and cookies. A connection is kept until one side closes it."""

    base: str
    patience: float
    cookies: dict[str, str] = field(default_factory=dict)
    _idle: list[Connection] = field(default_factory=list)

    async def ask(
        self, method: str, url: str, form: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one request; nothing is sent twice. Raises CutError."""
        body = urlencode(form).encode() if form is not None else b""
        lines = [f"{method} {url} HTTP/1.1", f"Host: {urlsplit(self.base).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if form is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        try:
            async with asyncio.timeout(self.patience):
                return await self._exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        except BAD_ANSWER as error:
            raise CutError(type(error).__name__) from error

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, request: bytes) -> Answer:
        reader, writer = await self._connect()
        kept = False
        try:
            writer.write(request)
            status, headers = await self._read_head(reader)
            text = (await _read_body(reader, status, headers)).decode()
            kept = headers.get("connection", "") != "close"
            return Answer(status, headers, text)
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.close()

    async def _connect(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        to = urlsplit(self.base)
        return await asyncio.open_connection(to.hostname, to.port)

    async def _read_head(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie":
                self._keep_cookie(value)
        return int(first.split()[1]), headers

    def _keep_cookie(self, line: str) -> None:
        name, _, value = line.partition(";")[0].partition("=")
        if any(mark in line.lower() for mark in GONE):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


async def _read_body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> bytes:
    if status == 204:
        return b""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") != "chunked":
        return await reader.read()
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readuntil(b"\r\n")
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
