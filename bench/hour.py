"""An hour of the mixed day at a steady rate: what each process takes of memory, minute by minute."""

import argparse
import os
import tempfile
from pathlib import Path

import uvloop

from bench import machine
from bench.client import send_paced
from bench.ground import open_ground
from bench.scenarios import mixed_day
from bench.wrk import WrongAnswerError

MINUTE = 60
SHOWN = ("web", "task", "redis", "rabbitmq", "database")


def main(args: list[str]) -> int:
    """Measure, and print a line a minute."""
    parser = argparse.ArgumentParser(prog="./dev bench hour", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=20, help="requests a second")
    options = parser.parse_args(args)
    machine.warn_if_busy()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
        return uvloop.run(measure(Path(folder), options.minutes, options.rate))


async def measure(folder: Path, minutes: int, rate: int) -> int:
    """Let a crowd shop for so many minutes; one in which the machine was too busy is told by its answer."""
    async with open_ground(folder) as ground:
        machine.pin(os.getpid(), machine.REST)
        day = await mixed_day(ground)
        print("minute  p50 ms  p99 ms" + "".join(f"{kind:>10}" for kind in SHOWN) + "  (MB)")
        print(f"{0:>6}{'':>16}" + _memory(ground.cast.memory_mb()), flush=True)
        for minute in range(1, minutes + 1):
            try:
                answers = await send_paced(ground.url, day, rate, MINUTE)
                took = f"{answers.p50:>8.1f}{answers.p99:>8.1f}"
            except WrongAnswerError as error:
                took = f"  {str(error)[:14]:<14}"
            print(f"{minute:>6}{took}" + _memory(ground.cast.memory_mb()), flush=True)
    return 0


def _memory(megabytes: dict[str, float]) -> str:
    return "".join(f"{megabytes[kind]:>10.1f}" for kind in SHOWN)
