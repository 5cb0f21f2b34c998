"""docs/accessibility.md is whole and honest: every criterion once, and every test it names is there."""

import re

import pytest

from tests.house.test_security import is_test
from tests.stack import ROOT

PAGE = (ROOT / "docs/accessibility.md").read_text()

# WCAG 2.2, levels A and AA: how many criteria each guideline has, and which numbers are AAA.
GUIDELINES = {
    "1.1": 1, "1.2": 9, "1.3": 6, "1.4": 13, "2.1": 4, "2.2": 6, "2.3": 3, "2.4": 13, "2.5": 8, "3.1": 6,
    "3.2": 6, "3.3": 9, "4.1": 3,
}  # fmt: skip
AAA = frozenset(
    re.findall(
        r"\S+",
        "1.2.6 1.2.7 1.2.8 1.2.9 1.3.6 1.4.6 1.4.7 1.4.8 1.4.9 2.1.3 2.2.3 2.2.4 2.2.5 2.2.6 2.3.2 2.3.3"
        " 2.4.8 2.4.9 2.4.10 2.4.12 2.4.13 2.5.5 2.5.6 3.1.3 3.1.4 3.1.5 3.1.6 3.2.5 3.3.5 3.3.6 3.3.9",
    )
)
GONE = {"4.1.1"}  # 2.2 took it out
CRITERIA = [
    name
    for guideline, count in GUIDELINES.items()
    for number in range(1, count + 1)
    if (name := f"{guideline}.{number}") not in AAA | GONE
]
# KWCAG 2.2: 14 guidelines under 4 principles, and how many items each has.
ITEMS = {
    "5.1": 1, "5.2": 1, "5.3": 3, "5.4": 4, "6.1": 4, "6.2": 2, "6.3": 1, "6.4": 4, "6.5": 4, "7.1": 1,
    "7.2": 2, "7.3": 4, "8.1": 1, "8.2": 1,
}  # fmt: skip


def rows(kind: str) -> dict[str, str]:
    """Return the answer of every row of a table, by its number; a number twice fails."""
    found = re.findall(rf"(?m)^\| {kind} ([\d.]+) [^|]*\|(.*)\|$", PAGE)
    assert len({number for number, _ in found}) == len(found)
    return dict(found)


WCAG, KWCAG = rows("W"), rows("K")


def test_every_criterion_of_levels_a_and_aa_is_there_once() -> None:
    assert len(CRITERIA) == 55
    assert list(WCAG) == CRITERIA


def test_the_33_items_of_the_korean_standard_are_there_once() -> None:
    wanted = [f"{guideline}.{item}" for guideline, count in ITEMS.items() for item in range(1, count + 1)]
    assert len(wanted) == 33
    assert list(KWCAG) == wanted


@pytest.mark.parametrize("number", WCAG)
def test_an_answer_names_tests_that_exist_or_a_look_or_why_it_does_not_apply(number: str) -> None:
    answer = WCAG[number]
    tests = re.findall(r"`([\w/]+\.py::\w+)`", answer)
    assert [name for name in tests if not is_test(name)] == []
    assert tests or "looked at:" in answer or "not applicable:" in answer


@pytest.mark.parametrize("number", KWCAG)
def test_an_item_answers_by_criteria_by_tests_or_says_why_it_does_not_apply(number: str) -> None:
    answer = KWCAG[number]
    criteria = re.findall(r"\b\d\.\d\.\d+\b", answer)
    tests = re.findall(r"`([\w/]+\.py::\w+)`", answer)
    assert set(criteria) <= set(CRITERIA)
    assert [name for name in tests if not is_test(name)] == []
    assert criteria or tests or "not applicable:" in answer
