"""The style sheet that stands in every page, so that the first paint waits for nothing else; pure."""

import re
from pathlib import Path

# In this order. What these do not have, desk.css has: the pages that need it link it.
INLINE = ("critical.css", "shop.css")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INDENTATION = re.compile(r"\s*\n\s*")


def read_inline(folder: Path) -> bytes:
    """Return the inlined files as one sheet, without comments and indentation: 0.4 kB less on every page."""
    css = "".join((folder / name).read_text() for name in INLINE)
    return INDENTATION.sub("\n", COMMENT.sub("", css)).strip().encode()
