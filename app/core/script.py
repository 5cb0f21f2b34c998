"""Our scripts as they are sent: comments, spare white space and long names are for us alone; pure."""

import re
from string import ascii_letters

# What stands in quotes is left as it is. Ours have no literal of a regular expression and no template in a
# template, and every statement ends with its semicolon, so that no end of a line has to stand for one.
COMMENT = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|/\*.*?\*/|//[^\n]*""", re.DOTALL)
SPARE = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|;(?=\s*\})""")
SPACE = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|\s*([{}()\[\]=,;:?&|<>*!]+)\s*|\s+""")
STRING = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
# What a script calls its own: variables, functions, and what arrows are handed. Ours name nothing as a global
# that they use is named.
OWN = re.compile(r"\b(?:const|let) (\w+(?:,\w+)*)|\bfunction (\w+)|\((\w+(?:,\w+)*)\)=>")
# Names that may be properties too, or stand in a template.
SHARED = re.compile(r"[{,](\w+)(?=[,}])|\b(\w+):|`([^`]*)`")
USED = re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|(?:(?<![\w.])|(?<=\.\.\.))([a-zA-Z]\w*)""")


def squeeze(script: str) -> str:
    """Return the same script in fewer bytes."""
    for kind in (COMMENT, SPARE):
        script = kind.sub(lambda found: found[1] or "", script)
    bare = SPACE.sub(lambda found: next((part for part in found.groups() if part), " "), script)
    return _shorten(bare.strip())


def _shorten(script: str) -> str:
    """Call by a letter what is the script's own and nothing else; the same name has the same everywhere."""
    open_ = STRING.sub("", script)
    shared = set(re.findall(r"\w+", " ".join(part for found in SHARED.findall(open_) for part in found)))
    own = [name for found in OWN.findall(open_) for name in ",".join(found).split(",") if len(name) > 1]
    taken = set(re.findall(r"\b\w\b", open_))
    letters = (letter for letter in ascii_letters if letter not in taken)
    short = dict(zip((name for name in dict.fromkeys(own) if name not in shared), letters, strict=False))
    return USED.sub(lambda found: found[1] or short.get(found[2], found[2]), script)
