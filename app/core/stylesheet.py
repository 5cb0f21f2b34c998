"""Style sheets as they are sent: comments and spare white space are for us alone."""

import re
from collections.abc import Sequence
from pathlib import Path

# In this order: the first paint waits for nothing else. What these do not have, desk.css has, and pages link.
EVERYWHERE = ("tokens.css", "critical.css", "shop.css")
WINDOW = (*EVERYWHERE, "shelf.css")  # all that the shop window has
COUNTER = (*EVERYWHERE, "counter.css")  # every other page
COMMENT = re.compile(r"(\"[^\"]*\"|'[^']*')|/\*.*?\*/", re.DOTALL)
SPACE = re.compile(r"(\"[^\"]*\"|'[^']*')|\s*([{};,])\s*|(:)\s+|\s+")


def squeeze(css: str) -> str:
    """Return the same rules in fewer bytes; what stands in quotes is left as it is."""
    bare = COMMENT.sub(lambda found: found[1] or "", css)
    packed = SPACE.sub(lambda found: next((part for part in found.groups() if part), " "), bare)
    return packed.replace(";}", "}").strip()


def read_inline(folder: Path, names: Sequence[str]) -> str:
    """Return the one style sheet that stands in a page, of these files."""
    return squeeze("\n".join((folder / name).read_text(encoding="utf-8") for name in names))
