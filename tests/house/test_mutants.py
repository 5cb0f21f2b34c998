"""The table of safeguards fits the code, and a safeguard that no test misses is reported."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.mutants.__main__ import main
from tests.mutants.bench import ROOT, Mutant, Verdict, judge
from tests.mutants.safeguards import SAFEGUARDS

VAT = Mutant(
    name="vat",
    rule="TX",
    file="app/core/money.py",
    old="def split_vat(",
    new="def split_vat(",
    tests=("tests/unit/test_money.py::test_won_are_written_as_koreans_write_them",),
)


@pytest.mark.parametrize("mutant", SAFEGUARDS, ids=lambda mutant: mutant.name)
def test_each_safeguard_stands_once_where_the_table_says_so_that_it_can_be_taken_away(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.spoil(text) != text


def test_each_safeguard_has_a_name_of_its_own() -> None:
    assert max(Counter(mutant.name for mutant in SAFEGUARDS).values()) == 1
    assert not {mutant.name for mutant in SAFEGUARDS} & {mutant.rule for mutant in SAFEGUARDS}


def test_every_rule_of_the_cart_is_taken_away_once() -> None:
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    rules = {f"R{number}" for number in re.findall(r"^(\d+)\. \*\*", page, re.MULTILINE)}
    assert len(rules) == 20
    assert rules <= {mutant.rule for mutant in SAFEGUARDS}


def test_the_tests_that_should_notice_are_there() -> None:
    named = sorted({test for mutant in SAFEGUARDS for test in mutant.tests})
    asked = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", *named]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_what_nobody_notices_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-baseline"], [VAT]) == 1
    said = capsys.readouterr().out
    assert "SURVIVED" in said
    assert "Nobody notices that 'vat' is gone from app/core/money.py." in said


@pytest.mark.slow
def test_tests_that_fail_anyway_say_nothing_about_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    missing = Mutant("gone", "TX", VAT.file, VAT.old, VAT.new, ("tests/unit/test_money.py::test_nothing",))
    assert main([], [missing]) == 1
    assert "These fail while nothing is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "printed", "verdict", "by"),
    [
        (1, "FAILED a.py::test_x[embedded] - assert 1 == 2", Verdict.KILLED, "a.py::test_x[embedded]"),
        (1, "ERROR a.py::test_x - SyntaxError\n1 error", Verdict.INVALID, "1 error"),
        (0, "1 passed", Verdict.SURVIVED, ""),
        (2, "Interrupted: 1 error", Verdict.INVALID, "Interrupted: 1 error"),
        (4, "", Verdict.INVALID, "exit code 4"),
    ],
)
def test_only_a_test_that_failed_has_noticed(code: int, printed: str, verdict: Verdict, by: str) -> None:
    assert judge(code, printed) == (verdict, by)
