"""Pages leave packed: on a slow phone the bytes are the wait."""

import asyncio
import gzip

from quart import Quart, Response, request

LEAST_BYTES = 600  # below, the answer fits one packet anyway
LEVEL = 6
THREAD_BYTES = 64 * 1024  # larger ones would hold the event loop for a millisecond and more


def register(app: Quart) -> None:
    """Pack HTML answers for browsers that can unpack them."""
    app.after_request(pack)


async def pack(response: Response) -> Response:
    """Pack one answer. Static files were packed once at start."""
    accepts = "gzip" in request.headers.get("Accept-Encoding", "")
    if not accepts or response.mimetype != "text/html" or "Content-Encoding" in response.headers:
        return response
    body = await response.get_data(as_text=False)
    if len(body) < LEAST_BYTES:
        return response
    if len(body) < THREAD_BYTES:
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
    else:
        response.set_data(await asyncio.to_thread(gzip.compress, body, LEVEL))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response
