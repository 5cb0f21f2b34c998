"""No pattern of ours can be made to think: its time grows with the length of a text, not with the square."""

import ast
import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("app", "tasks")
LENGTHS = (24, 2_000, 20_000, 100_000)
MOST_SECONDS = 0.25  # a pattern that thinks takes seconds; a core shared with others five times as long
TRIES = 3
CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
# What patterns repeat, and after it something they do not expect.
REPEATED = (
    "a",
    "0",
    "A",
    " ",
    "-",
    "_",
    ".",
    "/",
    "<",
    "&",
    "=",
    "%",
    "\n",
    "가",
    "a.",
    "a-",
    "a ",
    "0.",
    "..",
    "aA0",
)
ENDS = ("", "!")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every use of a pattern in the code, and where it stands."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in {f"re.{name}" for name in CALLS}:
                    yield f"{path.relative_to(ROOT)}:{call.lineno}", call


def as_text(pattern: object) -> str:
    """Return a pattern of bytes as one of letters: it is tried on the same texts."""
    return pattern.decode() if isinstance(pattern, bytes) else str(pattern)


WRITTEN = [
    (where, as_text(call.args[0].value)) for where, call in calls() if isinstance(call.args[0], ast.Constant)
]
# Put together from written ones: a cart's stamped owner, and one of two shapes of a telephone number.
MADE = {"app/cart/hot.py", "app/web/render.py"}


def test_patterns_stand_in_the_code_as_they_are_so_that_they_can_be_tried() -> None:
    made = {where.split(":")[0] for where, call in calls() if not isinstance(call.args[0], ast.Constant)}
    assert made == MADE
    assert len(WRITTEN) > 20


@pytest.mark.parametrize(("where", "pattern"), WRITTEN, ids=[where for where, _ in WRITTEN])
def test_a_pattern_reads_100_kb_of_the_worst_in_no_time(where: str, pattern: str) -> None:
    assert find_slow(re.compile(pattern)) == "", where


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"\s+$"])
def test_a_pattern_that_thinks_is_noticed(pattern: str) -> None:
    assert find_slow(re.compile(pattern))


def find_slow(pattern: re.Pattern[str]) -> str:
    """Return what the pattern takes too long for; the short texts come first, or we would wait for ever."""
    for length in LENGTHS:
        for piece, end in itertools.product(REPEATED, ENDS):
            text = (piece * length)[: length - 1] + end
            for use in (pattern.fullmatch, pattern.search):
                if all(cpu(use, text) > MOST_SECONDS for _ in range(TRIES)):
                    return f"{length} characters: {piece!r} and at the end {end!r}"
    return ""


def cpu(use: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    use(text)
    return time.thread_time() - began
