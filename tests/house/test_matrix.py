"""Every cell of the fault matrix has its test, and the page for operators names it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CELLS = {
    f"{letter}{number}"
    for letter, last in {"W": 12, "T": 8, "R": 14, "Q": 8, "M": 9, "P": 15, "C": 7, "H": 4}.items()
    for number in range(1, last + 1)
}


def cells_with_tests() -> set[str]:
    """Return the cells that are tested: ``test_w3_...`` is the test of W3."""
    found = set()
    for path in (ROOT / "tests" / "faults").glob("test_?_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                match = re.match(r"test_([a-z]\d+)_", node.name)
                if match:
                    found.add(match[1].upper())
    return found


def test_there_are_seventy_seven_cells() -> None:
    assert len(CELLS) == 77


def test_every_cell_has_its_test() -> None:
    assert cells_with_tests() == CELLS


def test_the_page_for_operators_names_every_cell_once() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"^\| ([WTRQMPCH]\d+) \|", page, re.MULTILINE)
    assert sorted(named) == sorted(CELLS)
