"""Copies of the work tree in which one safeguard at a time is missing, and the tests that must notice."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 120
TESTS_FAILED = 1
FIRST_FAILURE = re.compile(r"^FAILED (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """The shop without one safeguard: ``old``, which stands once in ``file``, is replaced by ``new``."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def spoil(self, text: str) -> str:
        """Return the file's text without the safeguard. Raises ValueError when the table is out of date."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: its text stands {text.count(self.old)} times in {self.file}")
        return text.replace(self.old, self.new)


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = "killed"  # a test failed, as it should
    SURVIVED = "SURVIVED"  # every test passed: nobody would notice that the safeguard is gone
    INVALID = "INVALID"  # the table is wrong: text, tests, or a shop that does not start or end


@dataclass(frozen=True, slots=True)
class Finding:
    """A mutant's end, what says so, and how long that took."""

    mutant: Mutant
    verdict: Verdict
    by: str
    seconds: float


@dataclass(slots=True)
class Copy:
    """One copy of the work tree; a mutant lives in it at a time."""

    folder: Path
    changes: int = 0

    def run(self, tests: Sequence[str], *options: str, seconds: float | None = None) -> tuple[int, str]:
        """Run tests; return pytest's exit code and what it printed. Raises TimeoutExpired."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=seconds
        )
        return done.returncode, done.stdout + done.stderr

    def try_out(self, mutant: Mutant) -> Finding:
        """Run the tests of a mutant on the shop that it is."""
        started = time.monotonic()
        try:
            with self._without(mutant):
                verdict, by = judge(*self.run(mutant.tests, "-x", seconds=PATIENCE_SECONDS))
        except ValueError as error:
            verdict, by = Verdict.INVALID, str(error)
        except subprocess.TimeoutExpired:
            verdict, by = Verdict.INVALID, f"no end after {PATIENCE_SECONDS} s"
        return Finding(mutant, verdict, by, time.monotonic() - started)

    @contextmanager
    def _without(self, mutant: Mutant) -> Iterator[None]:
        path = self.folder / mutant.file
        text, times = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(mutant.spoil(text), encoding="utf-8")
        # Python knows a compiled file by the time and length of its source: no two versions may share both.
        self.changes += 1
        os.utime(path, (times.st_atime, times.st_mtime + self.changes))
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, (times.st_atime, times.st_mtime))


def copy_tree(to: Path) -> Copy:
    """Copy what git tracks or would track, as it stands in the work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # one that was deleted, but not yet in git, is still listed
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return Copy(to)


def judge(code: int, printed: str) -> tuple[Verdict, str]:
    """Say what a run of pytest says about a mutant."""
    first = FIRST_FAILURE.search(printed)
    if code == TESTS_FAILED and first:
        return Verdict.KILLED, first[1]
    if code == 0:
        return Verdict.SURVIVED, ""
    return Verdict.INVALID, (printed.strip().splitlines() or [f"exit code {code}"])[-1]
