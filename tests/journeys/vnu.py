"""The W3C's validator (Nu Html Checker), for slow tests alone: it needs Java, and npm to fetch it once."""

import asyncio
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.stack import ROOT

PACKAGE = "vnu-jar@26.9.27"
DIGEST = "22f15dd39a33bed929d2a5c0cddf5946849a647eca9272bf4d5d00bc7e7a4d47"
CACHE = ROOT / ".cache" / "vnu"
JAR = CACHE / "node_modules/vnu-jar/build/dist/vnu.jar"
PIECES = re.compile(r"<hx-partial[^>]*>(.*?)</hx-partial>", re.DOTALL)
PAGE = '<!doctype html>\n<html lang="{lang}">\n<title>piece</title>\n{heading}{piece}\n</html>'
STYLE = "CSS: "  # of container queries and view transitions it has not heard yet


def fetch() -> None:
    """Have the jar that was looked at."""
    missing = [program for program in ("java", "npm") if not shutil.which(program)]
    assert not missing, f"{missing} missing: apt-get install default-jre-headless npm"
    if not JAR.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(["npm", "install", "--prefix", str(CACHE), *flags, PACKAGE], cwd=CACHE, check=True)
    assert hashlib.sha256(JAR.read_bytes()).hexdigest() == DIGEST


def whole(markup: str, language: str) -> list[str]:
    """Return markup as pages: a page as it is, the parts of an answer to htmx each in a page of its own."""
    if markup.lstrip().lower().startswith("<!doctype"):
        return [markup]
    pieces = [piece.strip() for piece in PIECES.findall(markup) or [markup]]
    inside = [f"<ul>{piece}</ul>" if piece.startswith("<li") else piece for piece in pieces]
    headings = ["" if "<h1" in piece else "<h1>page</h1><h2>part</h2>" for piece in inside]
    drawn = zip(headings, inside, strict=True)
    return [PAGE.format(lang=language, heading=heading, piece=piece) for heading, piece in drawn if piece]


async def faults(markups: Mapping[str, str], language: str = "ko") -> list[str]:
    """Return all errors and warnings, each with the name of what it is in."""
    fetch()
    with tempfile.TemporaryDirectory() as folder:
        names: dict[str, str] = {}
        for name, markup in markups.items():
            for page in whole(markup, language):
                path = Path(folder) / f"{len(names)}.html"
                path.write_text(page, encoding="utf-8")
                names[path.name] = name
        command = ["java", "-jar", str(JAR), "--format", "json", "--exit-zero-always", "--stdout", folder]
        asked = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await asked.communicate()
    messages = json.loads(said)["messages"]
    return sorted(
        f"{names[Path(one['url']).name]}: {one['message']}"
        for one in messages
        if not one["message"].startswith(STYLE)
    )
