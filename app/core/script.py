"""Our scripts as they are sent: comments and spare white space are for us alone; pure."""

import re

# What stands in quotes is left as it is. Ours have no literal of a regular expression and no template in a
# template, and every statement ends with its semicolon, so that no end of a line has to stand for one.
SPARE = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|/\*.*?\*/|//[^\n]*|;(?=\s*\})""", re.DOTALL)
SPACE = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|\s*([{}()\[\]=,;:?&|<>*!]+)\s*|\s+""")


def squeeze(script: str) -> str:
    """Return the same script in fewer bytes."""
    bare = SPARE.sub(lambda found: found[1] or "", script)
    return SPACE.sub(lambda found: next((part for part in found.groups() if part), " "), bare).strip()
