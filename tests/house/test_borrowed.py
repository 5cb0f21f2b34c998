"""What the tests borrowed is what its makers published, has its licence beside it, and is not shipped."""

import hashlib

import pytest

from tests.stack import ROOT

VENDOR = ROOT / "tests/vendor"
BORROWED = {
    "axe-4.14.1.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
    "html-validate-11.21.1.min.js": "63e8fb3c5be8b0ed385be64be6d111c0085228e700593d8165ba18f0fb12f275",
}


@pytest.mark.parametrize("name", BORROWED)
def test_a_borrowed_script_is_the_one_that_was_looked_at(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == BORROWED[name]
    assert list(VENDOR.glob(f"{name.rpartition('-')[0]}-LICENSE*.txt"))


def test_every_borrowed_script_is_listed_and_stays_out_of_the_image() -> None:
    assert {path.name for path in VENDOR.glob("*.js")} == set(BORROWED)
    assert "tests" not in (ROOT / ".dockerignore").read_text()
