"""Random faults under load: python -m tests.chaos --minutes 2 --seed 7, which is ./dev chaos."""

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
from tests.chaos.campaign import Plan, run
from tests.stack import STACKS

PLACES = 32
SECONDS_AROUND = 480  # to start, to finish, to drain, to reckon


def main(argv: Sequence[str]) -> int:
    """Run one campaign; 0 when nothing was lost."""
    given = _parser().parse_args(argv)
    seed = given.seed if given.seed is not None else int(time.time())
    wanted = Plan(given.minutes, seed, given.stack, given.ack, given.shoppers)
    folder = Path(tempfile.mkdtemp(prefix="madang-chaos-"))
    print(f"seed {seed}: {wanted.minutes:g} minutes on the {wanted.stack} stack, in {folder}", flush=True)
    # Whatever hangs, it ends: the servers die with us.
    faulthandler.dump_traceback_later(wanted.minutes * 60 + SECONDS_AROUND, exit=True)
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
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, help="of the faults and the shoppers; default: the clock")
    parser.add_argument("--stack", choices=list(STACKS), default="real")
    parser.add_argument("--ack", choices=("redis", "confirm"), default="redis", help="CART_ACK of the shop")
    parser.add_argument("--shoppers", type=int, default=PLACES, help="at once")
    parser.add_argument("--json", help="file for the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
