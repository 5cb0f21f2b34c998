"""The door to the static files and the product pictures."""

import asyncio
import re
from pathlib import Path

from quart import Quart, Response, send_from_directory

from app.core import packing
from app.core.errors import NotFoundError
from app.web import compression, limits
from app.web.assets import Assets
from app.web.guards import anyone

FOREVER = "public, max-age=31536000, immutable"
PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)  # others the file system itself may refuse


def register(app: Quart, assets: Assets, pictures: Path) -> None:
    """Serve files at /static/<hash>/<path> and pictures at /pictures/<name>."""

    @app.get("/static/<hash_>/<path:path>", endpoint="static.show_file")
    @anyone(limit=limits.FILES)
    async def show_file(hash_: str, path: str) -> Response:
        asset = assets.find(path)
        # A page of the release before, or after, gets what there is, for this once: better than a bare page.
        kept = FOREVER if asset.hash == hash_ else "no-store"
        headers = {"Cache-Control": kept, "Content-Type": asset.content_type, "Vary": "Accept-Encoding"}
        coding = compression.choose()
        if coding in asset.packed:
            return Response(asset.packed[coding], 200, {**headers, "Content-Encoding": coding})
        return Response(asset.body, 200, headers)

    @app.get("/pictures/<name>", endpoint="static.show_picture")
    @anyone(limit=limits.FILES)
    async def show_picture(name: str) -> Response:
        if not PICTURE.fullmatch(name):
            raise NotFoundError("picture")
        # A picture's name carries the hash of its content, so it too is served for ever, and on no condition:
        # the refusal of one (412) would be kept for ever as well.
        response = await (
            _send_packed(name)
            if name.endswith(".svg")
            else send_from_directory(pictures, name, conditional=False)
        )
        response.headers["Cache-Control"] = FOREVER
        return response

    async def _send_packed(name: str) -> Response:
        # Drawings are text: each lies beside its packed twins, if it was drawn since there are such.
        coding = compression.choose()
        twin = packing.packed_name(name, coding)
        if not coding or not await asyncio.to_thread((pictures / twin).is_file):
            response = await send_from_directory(pictures, name, conditional=False)
        else:
            response = await send_from_directory(pictures, twin, mimetype="image/svg+xml", conditional=False)
            response.headers["Content-Encoding"] = coding
        response.vary.add("Accept-Encoding")
        return response
