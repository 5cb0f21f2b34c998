"""Pages leave packed: on a slow phone the bytes are the wait."""

import asyncio
from functools import lru_cache

from quart import request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from app.core import packing

LEAST_BYTES = 200  # below, the header that says so costs what is saved
THREAD_BYTES = 64 * 1024  # larger ones would hold the event loop for a millisecond and more


def choose() -> str:
    """Return the coding in which this caller wants the answer, by its weights; "" for none."""
    return weigh(request.headers.get("Accept-Encoding", ""))


async def pack(body: bytes) -> tuple[bytes, str]:
    """Return an answer as this caller wants it, and the coding it is in. Static files were packed at start.

    Nothing in a page is worth guessing at by its length (BREACH): form tokens are masked anew in each.
    """
    return await pack_for(body, request.headers.get("Accept-Encoding", ""))


async def pack_for(body: bytes, accepted: str) -> tuple[bytes, str]:
    """Return an answer as a browser's weights ask for, and the coding it is in."""
    coding = weigh(accepted, packing.codings(len(body)))
    if not coding or len(body) < LEAST_BYTES:
        return body, ""
    if len(body) < THREAD_BYTES:
        return packing.pack(body, coding), coding
    return await asyncio.to_thread(packing.pack, body, coding), coding


@lru_cache(maxsize=1000)  # browsers say one of a few things
def weigh(header: str, codings: tuple[str, ...] = packing.CODINGS) -> str:
    """Return the coding that a browser's weights ask for; "" for none."""
    accepted = parse_accept_header(header, Accept)
    coding = max(codings, key=accepted.quality)  # the first of several equals
    wanted = accepted.quality(coding)
    return coding if wanted > 0 and wanted >= accepted.quality("identity") else ""
