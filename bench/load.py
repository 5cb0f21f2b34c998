"""Every scenario beside a bare hello on the same core: requests/s, p50, p99, CPU-ms by process, x hello."""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop

from app.server import QUIET_SECONDS
from bench import machine, wrk
from bench.client import compose, send_once, send_paced
from bench.ground import Ground, open_ground
from bench.scenarios import SCENARIOS, Scenario, set_quantity
from bench.wrk import Answers, WrongAnswerError

RESULTS = Path(__file__).with_name("results")
BEHIND = ("task", "redis", "rabbitmq", "database")
HELLO_SECONDS = 1
TRIES = 3
WARM_SECONDS = 2
STEADY_SHARE, STEADY_SECONDS = 0.6, 10


@dataclass(frozen=True, slots=True)
class Slice:
    """One scenario in one round: the answers, CPU-ms per request by kind, and hello's beside it."""

    answers: Answers
    cpu_ms: dict[str, float]
    hello_ms: float

    @property
    def ratio(self) -> float:
        """How many hellos a request costs the web process."""
        return self.cpu_ms["web"] / self.hello_ms


def main(args: list[str]) -> int:
    """Measure what was asked for, print the table, keep the result."""
    options = read_options(args)
    if wrk.find_wrk() is None:
        return machine.complain(wrk.MISSING)
    machine.warn_if_busy()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
        return uvloop.run(measure(Path(folder), options))


def read_options(args: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./dev bench load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each scenario in each round")
    parser.add_argument("--only", default="", help="words of scenarios' names, by commas")
    parser.add_argument("--keep", action="store_true", help=f"keep the result in {RESULTS.name}/")
    options = parser.parse_args(args)
    words = [word.strip() for word in options.only.split(",") if word.strip()]
    options.chosen = [one for one in SCENARIOS if not words or any(word in one.name for word in words)]
    if not options.chosen:
        parser.error("no scenario has such a name: " + ", ".join(one.name for one in SCENARIOS))
    return options


async def measure(folder: Path, options: argparse.Namespace) -> int:
    """Run every scenario in every round, a hello before each."""
    about = machine.describe()
    slices: dict[str, list[Slice]] = {one.name: [] for one in options.chosen}
    async with open_ground(folder) as ground:
        machine.pin(os.getpid(), machine.REST)
        for number in range(options.rounds):
            for one in options.chosen:
                slices[one.name].append(
                    await measure_patiently(ground, one, options.seconds, warm=number > 0)
                )
            print(f"round {number + 1} of {options.rounds} done", flush=True)
        memory = ground.cast.memory_mb()
        steady = await measure_steady(ground, slices)
    rows = {name: sum_up(found) for name, found in slices.items()}
    result = {
        "machine": about | {"load_after": round(os.getloadavg()[0], 2)},
        "rounds": options.rounds,
        "seconds": options.seconds,
        "hello_ms": median([one.hello_ms for found in slices.values() for one in found]),
        "rows": rows,
        "memory_mb": {kind: round(size, 1) for kind, size in memory.items()},
        "steady": steady,
    }
    print_table(result)
    if options.keep:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{datetime.now():%Y-%m-%d-%H%M}-{about['commit']}.json"  # noqa: DTZ005 - the developer's clock
        path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        print(f"Kept in {path}.")
    return 0


async def measure_patiently(ground: Ground, one: Scenario, seconds: int, *, warm: bool) -> Slice:
    """Measure one scenario once. A slice with a wrong answer is thrown away; the third one ends the run."""
    for _ in range(TRIES - 1):
        try:
            return await measure_slice(ground, one, seconds, warm=warm)
        except WrongAnswerError as error:
            print(f"{one.name}: again, because {error}", file=sys.stderr)
    return await measure_slice(ground, one, seconds, warm=warm)


async def measure_slice(ground: Ground, one: Scenario, seconds: int, *, warm: bool) -> Slice:
    """Measure one scenario once, the hello just before it."""
    requests = await one.requests(ground)
    if one.toss_ms:
        await ground.stand.fault("slow", times=None, seconds=one.toss_ms / 1000)
    if not warm and not one.once:
        await wrk.send(ground.url, requests, one.connections, WARM_SECONDS, one.right)
    await ground.cast.fall_quiet()
    before = ground.cast.cpu_ms()
    hello = await wrk.send(ground.hello_url, [compose("GET", "/")], 16, HELLO_SECONDS, (200,))
    between = ground.cast.cpu_ms()
    answers = (
        await send_once(ground.url, requests, one.connections, one.right)
        if one.once
        else await wrk.send(ground.url, requests, one.connections, seconds, one.right)
    )
    await ground.cast.fall_quiet()
    after = ground.cast.cpu_ms()
    if one.toss_ms:
        await ground.stand.http.delete("/sandbox/faults")
    spent = {kind: (after[kind] - between[kind]) / answers.count for kind in ("web", *BEHIND)}
    return Slice(answers, spent, (between["hello"] - before["hello"]) / hello.count)


async def measure_steady(ground: Ground, slices: dict[str, list[Slice]]) -> dict[str, float] | None:
    """Send cart edits at 60 % of what the shop did as fast as it could, and see how long they take."""
    if "cart: set quantity" not in slices:
        return None
    await asyncio.sleep(QUIET_SECONDS + 1)  # until the shop has hung up on a thousand shoppers of before
    rate = STEADY_SHARE * sum_up(slices["cart: set quantity"])["rate"]
    edits = await set_quantity(ground)
    try:
        # After the pause, who is logged in and what is sold is looked up anew.
        await send_paced(ground.url, edits, rate, WARM_SECONDS)
        answers = await send_paced(ground.url, edits, rate, STEADY_SECONDS)
    except WrongAnswerError as error:
        print(f"{rate:.0f} cart edits a second were too many for this machine now: {error}", file=sys.stderr)
        return None
    return {"rate": round(rate), **{name: round(value, 2) for name, value in asdict(answers).items()}}


def sum_up(slices: Sequence[Slice]) -> dict[str, Any]:
    """Return the medians of the rounds, and the range of the ratio."""
    ratios = [one.ratio for one in slices]
    return {
        "rate": median([one.answers.count / one.answers.seconds for one in slices]),
        "p50": median([one.answers.p50 for one in slices]),
        "p99": median([one.answers.p99 for one in slices]),
        "bytes": median([one.answers.size for one in slices]),
        "cpu_ms": {kind: median([one.cpu_ms[kind] for one in slices]) for kind in ("web", *BEHIND)},
        "ratio": median(ratios),
        "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def median(figures: Sequence[float]) -> float:
    """Return the one in the middle, in as many digits as are worth something."""
    return round(statistics.median(figures), 3)


def print_table(result: dict[str, Any]) -> None:
    """Print what was measured."""
    head = ("", "req/s", "p50 ms", "p99 ms", "web", *BEHIND, "bytes", "x hello", "range")
    print("{:<28}{:>8}{:>9}{:>9}{:>8}{:>8}{:>8}{:>9}{:>9}{:>8}{:>9}  {}".format(*head))
    for name, row in result["rows"].items():
        cpu = "".join(
            f"{row['cpu_ms'][kind]:>{width}.3f}"
            for kind, width in zip(("web", *BEHIND), (8, 8, 8, 9, 9), strict=True)
        )
        low, high = row["ratio_range"]
        print(
            f"{name:<28}{row['rate']:>8.0f}{row['p50']:>9.1f}{row['p99']:>9.1f}{cpu}{row['bytes']:>8.0f}"
            f"{row['ratio']:>9.2f}  {low} to {high}"
        )
    print(f"hello: {result['hello_ms']} CPU-ms. Medians of {result['rounds']} rounds; CPU-ms per request.")
    print("memory, MB: " + ", ".join(f"{kind} {size:.0f}" for kind, size in result["memory_mb"].items()))
    if steady := result["steady"]:
        print(f"cart edits at {steady['rate']}/s (60 %): p50 {steady['p50']} ms, p99 {steady['p99']} ms")
