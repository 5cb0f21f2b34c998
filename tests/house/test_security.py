"""docs/security.md is whole and honest: every point and requirement once, every test it names is there."""

import ast
import functools
import re
from dataclasses import dataclass

import pytest

from tests.stack import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
HEADINGS = {
    re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in re.findall(r"(?m)^#+ (.+)$", PAGE)
}
RULES = set(re.findall(r"(?m)^  - id: ([\w-]+)$", (ROOT / "tests/house/semgrep.yml").read_text()))

# OWASP ASVS 5.0.0: the level of each requirement, section by section, in order.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3",
    "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
REQUIRED = {
    f"{section}.{number}": int(level)
    for section, levels in LEVELS.items()
    for number, level in enumerate(levels, start=1)
    if level in "12"
}


@dataclass(frozen=True)
class Row:
    """One line of a table: a point or a requirement, and its answer, which is one of three."""

    name: str
    cells: tuple[str, ...]

    @property
    def answer(self) -> str:
        return self.cells[-1]

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([\w/]+\.py::\w+)`", self.answer)

    @property
    def rules(self) -> list[str]:
        return re.findall(r"\brule `([\w-]+)`", self.answer)

    @property
    def points(self) -> list[str]:
        return re.findall(r"\bpoint (\d+)\b", self.answer)

    @property
    def sections(self) -> list[str]:
        return re.findall(r"\(#([\w-]+)\)", self.answer)


def rows(pattern: str) -> list[Row]:
    """Return the rows whose first cell looks like this, in the order of the page."""
    lines = re.findall(rf"(?m)^\| ({pattern}) \|(.*)\|$", PAGE)
    return [Row(name, tuple(cell.strip() for cell in rest.split("|"))) for name, rest in lines]


POINTS = rows(r"\d+")
REQUIREMENTS = rows(r"\d+\.\d+\.\d+")
EVERY = [*POINTS, *rows(r"law \d"), *REQUIREMENTS]


def kind(row: Row) -> str:
    """Return how a row answers: by tests, by a written reason, or that it does not apply."""
    if row.answer.startswith("not applicable: "):
        return "not applicable"
    if row.tests or row.rules or any(kind(point) == "tested" for point in POINTS if point.name in row.points):
        return "tested"
    assert re.search(r"\breason: \w", row.answer) or row.sections, f"{row.name} has no answer: {row.answer}"
    return "reasoned"


def test_every_point_is_there_once() -> None:
    assert [row.name for row in POINTS] == [str(number) for number in range(1, 67)]


def test_every_requirement_of_levels_1_and_2_is_there_once_at_its_level() -> None:
    """The standard's own count: 70 of level 1, 183 of level 2."""
    assert sorted(REQUIRED.values()) == [1] * 70 + [2] * 183
    assert {row.name: row.cells[0] for row in REQUIREMENTS} == {
        name: str(level) for name, level in REQUIRED.items()
    }
    assert len(REQUIREMENTS) == len(REQUIRED)


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)
def test_an_answer_is_a_test_that_exists_a_reason_or_that_it_does_not_apply(row: Row) -> None:
    assert "OPEN" not in row.answer
    assert [name for name in row.tests if not is_test(name)] == []
    assert set(row.rules) <= RULES
    assert [section for section in row.sections if section not in HEADINGS] == []
    assert set(row.points) <= {point.name for point in POINTS}
    assert kind(row)


def is_test(name: str) -> bool:
    """Whether a test of this name is in this file under tests/."""
    path, _, test = name.partition("::")
    return test in functions(path)


@functools.cache
def functions(path: str) -> set[str]:
    """Return the names of the tests in a file, of none when there is no such file."""
    file = ROOT / "tests" / path
    if not file.exists():
        return set()
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_sums_are_those_of_the_tables() -> None:
    points, asked = [kind(row) for row in POINTS], [kind(row) for row in REQUIREMENTS]
    tested, reasoned, apart = (asked.count(each) for each in ("tested", "reasoned", "not applicable"))
    held, left = points.count("tested"), points.count("reasoned")
    assert (
        f"Of the 66 points {held} are held by tests, {left} by a reason.\n"
        f"Of the {len(asked)} requirements {len(asked) - apart} apply: {tested} are held by tests, "
        f"{reasoned} by a reason."
    ) in PAGE
