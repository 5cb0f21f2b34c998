"""One campaign from the first server to the verdict."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from app.machines import Machines, build_machines
from sandbox.toss.config import Config
from tests.chaos import books, disasters, rest
from tests.chaos.crowd import Crowd
from tests.chaos.report import Report, percentiles
from tests.chaos.tally import Tally
from tests.goods import make
from tests.processes import RunningShop, serving
from tests.shop import settings_for
from tests.stack import STACKS
from tests.toss_stand import Stand

GOODS = 60
PLENTY = 100_000_000
DRAIN_LIMIT = 120.0
# Drivers that tell at length how a connection ended; another is opened, and nobody notices.
TALKATIVE = ("sqlalchemy.pool", "aiormq", "aio_pika")
# Of the calls to Toss, the share that goes wrong in each way.
TOSS_FAULTS = (
    {"fault": "timeout_before", "ratio": 0.02},
    {"fault": "timeout_after", "ratio": 0.02},
    {"fault": "reset_before", "ratio": 0.02},
    {"fault": "reset_after", "ratio": 0.02},
    {"fault": "html_before", "ratio": 0.02},
    {"fault": "html_after", "ratio": 0.02},
    {"fault": "truncated", "ratio": 0.02},
    {"fault": "too_many", "ratio": 0.02},
    {"fault": "slow", "ratio": 0.04, "seconds": 2},
    {"fault": "late", "ratio": 0.01, "seconds": 12},
    {"fault": "webhook_before_answer", "ratio": 0.03},
    {"fault": "reject", "ratio": 0.05},
    {"fault": "html_before", "ratio": 0.03, "on": "lookup"},
    {"fault": "reset_after", "ratio": 0.03, "on": "lookup"},
    {"fault": "webhook_duplicate", "ratio": 0.1, "copies": 5},
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is asked to be."""

    minutes: float
    seed: int
    stack: str
    cart_ack: str
    places: int


async def run(wanted: Plan, folder: Path) -> Report:
    """Run it."""
    tally = Tally()
    with STACKS[wanted.stack](folder) as stack:
        settings = {"WEB_WORKERS": str(disasters.WEB_WORKERS), "CART_ACK": wanted.cart_ack}
        async with (
            serving(stack, folder, **settings) as shop,
            httpx.AsyncClient(base_url=stack.toss_api_url, timeout=30, trust_env=False) as http,
        ):
            m = build_machines(settings_for(stack, folder))
            toss = Stand(stack.toss_api_url, Config(), http)
            try:
                return await _run(wanted, shop, m, toss, tally)
            finally:
                await m.close()


async def _run(wanted: Plan, shop: RunningShop, m: Machines, toss: Stand, tally: Tally) -> Report:
    goods = await _stock_up(m)
    await toss.http.post("/sandbox/webhook-url", json={"url": f"{shop.url}/payments/toss/webhook"})
    for fault in TOSS_FAULTS:
        (await toss.http.post("/sandbox/faults", json=fault)).raise_for_status()
    crowd = Crowd(shop.stack, shop.url, tally, goods, wanted.seed)
    hands = disasters.Hands(shop, m, tally, wanted.seed)
    with crowd.running():
        started = time.monotonic()
        await crowd.enter(wanted.places)
        await hands.work(disasters.plan(wanted.seed, shop.stack), wanted.minutes * 60)
        seconds = time.monotonic() - started
        await toss.http.delete("/sandbox/faults")
        await crowd.leave()
        drain = await rest.wait_for_rest(m, DRAIN_LIMIT, {"payments": partial(rest.count_undecided, m, toss)})
        for what, after in drain.items():
            if after is None:
                tally.mishap("not at rest in time", what)
        written = await books.read_books(m)
        books.judge_carts(written, await crowd.read_carts(), tally)
    books.judge_payments(written, await toss.ledger(), tally)
    await books.judge_stock(m, written, tally)
    tally.add("parked messages", await rest.count_parked(m))
    _read_log(shop.log, tally)
    return _report(wanted, tally, len(crowd.shoppers), seconds, drain)


async def _stock_up(m: Machines) -> Sequence[int]:
    return [await make(m, price=1_000 * (number + 5), quantity=PLENTY) for number in range(GOODS)]


def _read_log(log: Path, tally: Tally) -> None:
    """Find what the shop itself did not expect."""
    for line in log.read_text(errors="replace").splitlines():
        unexpected = '"traceback"' in line and not any(f'"{driver}' in line for driver in TALKATIVE)
        if unexpected or line.startswith("Traceback"):
            tally.mishap("unexpected exceptions", _said(line))


def _said(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        return line
    return (
        f"{found.get('at')} {found.get('logger')}: {found.get('said')}\n{found.get('traceback', '')[-1500:]}"
    )


def _report(
    wanted: Plan, tally: Tally, shoppers: int, seconds: float, drain: dict[str, float | None]
) -> Report:
    faults = {
        name.removeprefix("fault: "): n for name, n in tally.counts.items() if name.startswith("fault: ")
    }
    counts = {name: n for name, n in tally.counts.items() if not name.startswith("fault: ")}
    return Report(
        seed=wanted.seed,
        stack=wanted.stack,
        cart_ack=wanted.cart_ack,
        minutes=wanted.minutes,
        places=wanted.places,
        shoppers=shoppers,
        seconds=seconds,
        counts=counts,
        faults=faults,
        edit_milliseconds=percentiles(tally),
        clear_seconds=max(tally.clear_seconds, default=0.0),
        drain=drain,
        mishaps=tally.mishaps,
    )
