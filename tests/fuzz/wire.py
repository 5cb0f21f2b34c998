"""Bytes to the running shop, and what comes back; each connection from an address of its own choosing."""

import asyncio
import time
from contextlib import suppress

from tests.fuzz.judge import Answer

PATIENCE = 30.0
CONTINUE = 100
BODILESS = {204, 304}
BAD_ANSWER = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)


class SilenceError(Exception):
    """No whole answer came: the connection was closed, or stayed open without a word."""


async def exchange(
    to: tuple[str, int], sent: bytes, source: str, *, head: bool = False, patience: float = PATIENCE
) -> Answer:
    """Send bytes and read one answer. Raises SilenceError."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(*to, local_addr=(source, 0), limit=2**20)
            try:
                with suppress(ConnectionError):  # it may answer and close before it has read all of it
                    writer.write(sent)
                    await writer.drain()
                status, headers = await _read_head(reader)
                body = b"" if head or status in BODILESS else await _read_body(reader, dict(headers))
            finally:
                writer.close()
    except TimeoutError as error:
        raise SilenceError("no answer") from error
    except BAD_ANSWER as error:
        raise SilenceError(f"closed: {type(error).__name__}") from error
    return Answer(status, headers, body, time.monotonic() - started)


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    while True:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        status = int(first.split()[1])
        if status != CONTINUE:
            pairs = (line.partition(": ") for line in lines)
            return status, [(name.lower(), value) for name, _, value in pairs]


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
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
