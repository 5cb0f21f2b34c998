"""Static files: read once at start, named by their content, served for ever, packed once."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.core import packing, script, stylesheet
from app.core.errors import NotFoundError

STATIC = Path(__file__).parent.parent / "static"
COMPRESSIBLE = ("text/", "image/svg+xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: plain, and in each coding that makes it smaller."""

    body: bytes
    packed: Mapping[str, bytes]
    content_type: str
    hash: str


class Assets:
    """Every file under app/static, by path."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {
            str(path.relative_to(folder)): _read(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        self.window_style = stylesheet.read_inline(folder / "css", stylesheet.WINDOW)
        self.counter_style = stylesheet.read_inline(folder / "css", stylesheet.COUNTER)

    def url(self, path: str) -> str:
        """Return the address of a file; it changes whenever the file does."""
        return f"/static/{self._files[path].hash}/{path}"

    def find(self, path: str) -> Asset:
        """Return a file. Raises NotFoundError."""
        asset = self._files.get(path)
        if asset is None:
            raise NotFoundError("static file")
        return asset


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if kind.endswith("javascript") else kind
    if kind == "text/css":
        body = stylesheet.squeeze(body.decode()).encode()
    if kind == "text/javascript" and not path.name.endswith(".min.js"):
        body = script.squeeze(body.decode()).encode()
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    packed = _pack(body) if kind.startswith(COMPRESSIBLE) else {}
    return Asset(body, packed, kind, hashlib.sha256(body).hexdigest()[:12])


@lru_cache(64)
def _pack(body: bytes) -> Mapping[str, bytes]:
    """Return the body in every coding, at its strongest: 0.1 s for all files, once in each process."""
    packed = {coding: packing.pack_hard(body, coding) for coding in packing.CODINGS}
    return {coding: small for coding, small in packed.items() if len(small) < len(body)}
