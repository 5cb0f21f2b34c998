"""Strange requests in great number: python -m tests.fuzz --requests 100000, which is ./dev fuzz."""

import argparse
import asyncio
import faulthandler
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.children import MissingProgram, ServerFailed
from tests.fuzz.campaign import Plan, run
from tests.stack import STACKS

SECONDS_AROUND = 240  # to start, to come to rest, to stop


def main(argv: Sequence[str]) -> int:
    """Run one campaign; 0 when nothing gave way."""
    given = _parser().parse_args(argv)
    seed = given.seed if given.seed is not None else int(time.time())
    wanted = Plan(given.requests, given.minutes * 60, seed, given.stack)
    folder = Path(tempfile.mkdtemp(prefix="madang-fuzz-"))
    print(f"seed {seed}: {wanted.requests} requests on the {wanted.stack} stack, in {folder}", flush=True)
    # Whatever hangs, it ends: the servers die with us.
    faulthandler.dump_traceback_later(wanted.seconds + SECONDS_AROUND, exit=True)
    try:
        report = asyncio.run(run(wanted, folder))
    except (MissingProgram, ServerFailed) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        return 130
    print(report.to_text())
    if given.json:
        Path(given.json).write_text(report.to_json(), encoding="utf-8")
    if report.failed:
        print(f"The shop's log and the servers' files are kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=30.0, help="at most")
    parser.add_argument("--seed", type=int, help="of everything that is drawn; default: the clock")
    parser.add_argument("--stack", choices=list(STACKS), default="real")
    parser.add_argument("--json", help="file for the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
