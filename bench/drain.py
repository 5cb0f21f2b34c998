"""Draining: carts edited while the task worker slept, written to the database when it wakes; edits/s."""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

import uvloop

from app.infra import keys
from bench import machine, wrk
from bench.ground import PATIENCE, Ground, open_ground
from bench.scenarios import set_quantity

SHOPPERS = 256  # each with a cart of five lines
PRODUCTION_SECONDS = 4
POLL_SECONDS = 0.02
WORKERS = 2  # web processes that one task worker must keep ahead of


def main(args: list[str]) -> int:
    """Let edits pile up, then let them be written."""
    argparse.ArgumentParser(prog="./dev bench drain", description=__doc__).parse_args(args)
    if wrk.find_wrk() is None:
        return machine.complain(wrk.MISSING)
    machine.warn_if_busy()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
        return uvloop.run(measure(Path(folder)))


async def measure(folder: Path) -> int:
    """Measure what one web process makes and what the sleeping worker, woken up, writes."""
    # The sweeper is part of the worker, and sleeps with it: nothing else writes carts meanwhile.
    async with open_ground(folder) as ground:
        requests = await set_quantity(ground, SHOPPERS)
        await wrk.send(ground.url, requests, 16, 2, (200,))
        await ground.cast.fall_quiet()
        for pid in ground.cast.pids["task"]:
            os.kill(pid, signal.SIGSTOP)
        try:
            made = await wrk.send(ground.url, requests, 16, PRODUCTION_SECONDS, (200,))
        finally:
            for pid in ground.cast.pids["task"]:
                os.kill(pid, signal.SIGCONT)
        seconds = await come_to_rest(ground)
    produced, drained = made.count / made.seconds, made.count / seconds
    ahead = drained / (WORKERS * produced)
    print(f"{made.count:,} edits of {SHOPPERS} carts in {made.seconds:.1f} s by one web process")
    print(f"all written {seconds:.2f} s after the worker woke: {drained:,.0f} edits/s")
    print(f"that is {ahead:.1f} x what {WORKERS} such web processes make")
    return 0


async def come_to_rest(ground: Ground) -> float:
    """Return after how many seconds no cart is marked as unwritten. Raises TimeoutError."""
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE * 3):
        while await _is_waiting(ground):  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - began


async def _is_waiting(ground: Ground) -> bool:
    command = ground.m.redis.command
    return any([await command("ZCARD", keys.dirty(number)) for number in range(keys.BUCKETS)])
