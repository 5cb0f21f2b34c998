"""Pages leave packed: on a slow phone the bytes are the wait."""

import asyncio

from quart import Quart, Response, request

from app.core import packing

LEAST_BYTES = 200  # below, the header that says so costs what is saved
THREAD_BYTES = 64 * 1024  # larger ones would hold the event loop for a millisecond and more


def register(app: Quart) -> None:
    """Pack HTML answers for browsers that can unpack them."""
    app.after_request(pack)


def choose() -> str:
    """Return the coding in which this caller wants the answer, by its weights; "" for none."""
    accepted = request.accept_encodings
    coding = max(packing.CODINGS, key=accepted.quality)  # the first of several equals
    wanted = accepted.quality(coding)
    return coding if wanted > 0 and wanted >= accepted.quality("identity") else ""


async def pack(response: Response) -> Response:
    """Pack one answer. Static files were packed once at start.

    Nothing in a page is worth guessing at by its length (BREACH): form tokens are masked anew in each.
    """
    if response.mimetype != "text/html" or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    coding = choose()
    body = await response.get_data(as_text=False)
    if not coding or len(body) < LEAST_BYTES:
        return response
    if len(body) < THREAD_BYTES:
        response.set_data(packing.pack(body, coding))
    else:
        response.set_data(await asyncio.to_thread(packing.pack, body, coding))
    response.headers["Content-Encoding"] = coding
    return response
