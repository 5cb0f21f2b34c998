"""Take away one safeguard after the other and see a test fail: python -m tests.mutants [NAME ...]."""

import argparse
import queue
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants.bench import Copy, Finding, Mutant, Verdict, copy_tree
from tests.mutants.safeguards import SAFEGUARDS

COPIES = 2


def main(argv: Sequence[str] | None = None, table: Sequence[Mutant] = SAFEGUARDS) -> int:
    """Try out the mutants named (by name or rule), or all; 1 when one is not killed."""
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant or a rule; without any, all")
    parser.add_argument(
        "--baseline",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="see first that their tests pass while nothing is missing",
    )
    asked = parser.parse_args(argv)
    unknown = set(asked.names) - {word for mutant in table for word in (mutant.name, mutant.rule)}
    if unknown:
        parser.error(f"no such mutant or rule: {', '.join(sorted(unknown))}")
    chosen = [one for one in table if not asked.names or {one.name, one.rule} & set(asked.names)]
    with tempfile.TemporaryDirectory(prefix="madang-mutants-") as folder:
        copies = [copy_tree(Path(folder) / str(number)) for number in range(min(COPIES, len(chosen)))]
        if asked.baseline and not passes(copies[0], chosen):
            return 1
        return show(try_out(copies, chosen), len(chosen))


def passes(copy: Copy, mutants: Sequence[Mutant]) -> bool:
    """Whether the tests pass on the shop as it is."""
    started = time.monotonic()
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    code, printed = copy.run(tests)
    if code:
        print(printed)
        print("These fail while nothing is missing, and so say nothing about mutants.")
        return False
    print(f"{len(tests)} tests pass while nothing is missing ({time.monotonic() - started:.0f} s).\n")
    return True


def try_out(copies: Sequence[Copy], mutants: Sequence[Mutant]) -> list[Finding]:
    """Try out every mutant, as many at a time as there are copies, and print each as it ends."""
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> Finding:
        copy = free.get()
        try:
            return copy.try_out(mutant)
        finally:
            free.put(copy)

    findings = []
    width = max(len(mutant.name) for mutant in mutants)
    with ThreadPoolExecutor(len(copies)) as pool:
        for done in as_completed([pool.submit(one, mutant) for mutant in mutants]):
            found = done.result()
            findings.append(found)
            test = found.by.rpartition("::")[2] if found.verdict is Verdict.KILLED else found.by
            what = f"{found.mutant.name:<{width}}  {found.mutant.rule:<5}  {found.mutant.file:<34}"
            print(f"{found.verdict.value:<8}  {what}  {found.seconds:5.1f} s  {test}", flush=True)
    return findings


def show(findings: Sequence[Finding], wanted: int) -> int:
    """Print the sum; return the exit code."""
    killed = sum(found.verdict is Verdict.KILLED for found in findings)
    print(f"\nKilled {killed} of {wanted}.")
    for found in findings:
        if found.verdict is Verdict.SURVIVED:
            print(f"Nobody notices that {found.mutant.name!r} is gone from {found.mutant.file}.")
    return int(killed != wanted)


if __name__ == "__main__":
    sys.exit(main())
