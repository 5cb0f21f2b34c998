"""Every file says in its first line what it is."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BANNED = {"manager", "helper", "util", "utils", "data", "info", "process", "misc", "common"}


def modules() -> list[Path]:
    folders = ("app", "tasks", "sandbox", "db", "tests")
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.read_text().strip()
    ]


def test_every_module_has_a_caption() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [str(path.relative_to(ROOT)) for path in modules() if BANNED & set(path.stem.split("_"))]
    assert vague == []


def test_no_file_of_the_product_is_longer_than_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if path.parts[len(ROOT.parts)] in {"app", "tasks"}
        and (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
