"""What we did not write is pinned, by hash, and listed."""

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.stack import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
PINNED = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)( ; [^\\]+)? \\")
HASHED = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def pins(lock: Path) -> dict[tuple[str, str], set[str]]:
    """Return every pinned version with its hashes; a line that is neither fails."""
    found: dict[tuple[str, str], set[str]] = {}
    for line in lock.read_text().splitlines():
        if line.lstrip().startswith("#"):
            continue
        if pin := PINNED.fullmatch(line):
            hashes = found.setdefault((pin[1], pin[2]), set())
        else:
            assert HASHED.fullmatch(line), f"{lock.name}: {line}"
            hashes.add(re.sub(r".*sha256:| \\", "", line))
    return found


def test_there_are_the_locks_that_dev_installs_from() -> None:
    assert [lock.name for lock in LOCKS] == [
        f"requirements{kind}.lock" for kind in ("-build", "-crawler", "-dev", "-tools", "")
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_library_is_one_version_with_hashes_so_that_another_file_under_its_name_is_refused(
    lock: Path,
) -> None:
    found = pins(lock)
    assert found
    assert [pin for pin, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize("name", ["dev", "Dockerfile"])
def test_whatever_installs_demands_the_hashes_and_runs_no_stranger_s_build(name: str) -> None:
    text = (ROOT / name).read_text()
    assert re.search(r"--require-hashes[\"',\s\\]+--only-binary[\"',\s]+:all:", text)
    assert not re.search(r"--(extra-)?index-url|--trusted-host|https?://\S*\.whl", text)


def test_the_one_source_that_is_built_is_built_by_what_is_pinned() -> None:
    dev = (ROOT / "dev").read_text()
    assert '("--no-binary", "yaswfp", "--no-build-isolation", "--no-deps")' in dev
    assert [name for name, _ in pins(ROOT / "requirements-build.lock")] == ["setuptools"]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    made = subprocess.run([ROOT / "dev", "sbom"], capture_output=True, text=True, check=True)
    bill: dict[str, Any] = json.loads(made.stdout)
    return bill


def test_the_bill_of_materials_is_cyclonedx(bill: dict[str, Any]) -> None:
    """The rules of its schema for the fields we write."""
    assert set(bill) == {
        "$schema",
        "bomFormat",
        "specVersion",
        "serialNumber",
        "version",
        "metadata",
        "components",
    }
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert bill["$schema"] == "http://cyclonedx.org/schema/bom-1.6.schema.json"
    assert bill["serialNumber"] == f"urn:uuid:{uuid.UUID(bill['serialNumber'][9:])}"
    every = [bill["metadata"]["component"], *bill["components"]]
    references = [each["bom-ref"] for each in every]
    assert len(references) == len(set(references))
    for each in bill["components"]:
        assert set(each) == {"type", "bom-ref", "name", "version", "purl", "hashes"}
        assert each["type"] == "library"
        assert re.fullmatch(rf"pkg:(pypi|npm)/{each['name']}@{re.escape(each['version'])}", each["purl"])
        assert each["hashes"]
        for digest in each["hashes"]:
            assert digest["alg"] == "SHA-256"
            assert re.fullmatch(r"[0-9a-f]{64}", digest["content"])


def test_the_bill_lists_what_is_locked_and_the_vendored_script_and_nothing_else(bill: dict[str, Any]) -> None:
    listed = {
        (each["name"], each["version"]): {digest["content"] for digest in each["hashes"]}
        for each in bill["components"]
    }
    htmx = listed.pop(("htmx.org", "4.0.1"))
    assert htmx == {"a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"}
    assert listed == pins(ROOT / "requirements.lock")


def test_the_image_carries_the_bill() -> None:
    assert "dev sbom > sbom.cdx.json" in (ROOT / "Dockerfile").read_text()
