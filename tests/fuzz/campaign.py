"""One campaign: the shop of real processes on one stack, and who fuzzes it; bounded in count and time."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.accounts import service as accounts
from app.machines import Machines, build_machines
from app.seed import seed
from sandbox.toss.config import Config
from tests.chaos.campaign import TALKATIVE
from tests.fuzz import raw, wire
from tests.fuzz.batch import Fuzzer, Tally
from tests.fuzz.browser import Browser
from tests.fuzz.judge import AWAY, REFUSED, Answer
from tests.fuzz.people import Enter, Shopper, hire, sign_up
from tests.fuzz.report import UNEXPLAINED, Report
from tests.fuzz.spoil import PASSWORD, Request
from tests.fuzz.surface import Atlas
from tests.goods import hidden_draft, make, mug
from tests.processes import RunningShop, serving
from tests.shop import settings_for
from tests.stack import STACKS
from tests.toss_stand import Stand

WEB_WORKERS = 2
ORDER_MINUTES = 600  # nothing changes by itself meanwhile
WIDTH = 6  # requests at once
PLENTY = 1_000_000
BATCH = 400
RAW_OF_A_BATCH = 40
RAW_SECONDS = 2.0  # then the rest of the request is not waited for any longer
GUESTS, MEMBERS, OPERATORS = 3, 3, 2
SHARE_REFUSED = 0.8
BATCHES_BETWEEN_LOOKS = 15
LOOPBACK = "127.0.0.1"  # the only address /metrics is open to
SHARE_FROM_HERE = 0.1
UNEXPECTED = 500
TELLERS = ("app.web.errors", "app.payments.routes")  # who answers 503, and says why
SILENCES = ("TimeoutError", "OpenError")  # of a machine, and of one that was silent several times just before


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is asked to be."""

    requests: int
    seconds: float
    seed: int
    stack: str


async def run(wanted: Plan, folder: Path) -> Report:
    """Run it."""
    with STACKS[wanted.stack](folder) as stack:
        settings = {"WEB_WORKERS": str(WEB_WORKERS), "ORDER_MINUTES": str(ORDER_MINUTES)}
        async with (
            serving(stack, folder, **settings) as shop,
            httpx.AsyncClient(base_url=stack.toss_api_url, timeout=30, trust_env=False) as http,
        ):
            m = build_machines(settings_for(stack, folder))
            try:
                return await _run(wanted, shop, m, Stand(stack.toss_api_url, Config(), http))
            finally:
                await m.close()


async def _run(wanted: Plan, shop: RunningShop, m: Machines, toss: Stand) -> Report:
    rng, tally = random.Random(wanted.seed), Tally()
    await seed(m.db, Path(shop.environment["DATA_DIR"]) / "pictures")
    browsers = await _people(m, shop, rng, toss)
    fuzzer = Fuzzer(m, browsers, rng, tally, WIDTH)
    started, batches = time.monotonic(), 0
    while tally.sent + tally.raw < wanted.requests and time.monotonic() - started < wanted.seconds:
        if batches % BATCHES_BETWEEN_LOOKS == 0:
            await _begin_anew(m, browsers)
            fuzzer.moved()
        size = min(BATCH, wanted.requests - tally.sent - tally.raw)
        await fuzzer.run(size, refused=rng.random() < SHARE_REFUSED)
        await _send_raw(shop, rng, tally, size * RAW_OF_A_BATCH // BATCH)
        batches += 1
    _read_log(shop.log, tally)
    _explain_503(shop.log, tally)
    routes = [route.endpoint for route in browsers[0].atlas.routes]
    return Report(wanted.seed, wanted.stack, time.monotonic() - started, sorted(set(routes)), tally)


async def _people(m: Machines, shop: RunningShop, rng: random.Random, toss: Stand) -> Sequence[Browser]:
    goods = [await mug(m, quantity=PLENTY), await make(m, quantity=PLENTY)]
    hidden = await hidden_draft(m)
    atlas, to = Atlas(), urlsplit(shop.url)
    send = partial(_send, (to.hostname or "", to.port or 0), rng)
    ways: list[Enter | None] = [None] * GUESTS
    ways += [Shopper((await sign_up(m)).user_id).enter for _ in range(MEMBERS)]
    ways += [clerk.enter for _ in range(OPERATORS) for clerk in await hire(m)]
    everybody = [Browser(send, atlas, to.netloc, enter) for enter in ways]
    await accounts.sign_up(
        m, accounts.NewUser("minji", PASSWORD, "김민지", "01012345678")
    )  # whom all guess at
    for browser in everybody:
        await browser.log_in(m)
        await browser.buy(m, toss, *goods)
        browser.seen.learn("product_id", str(hidden))
    free = Browser(send, atlas, to.netloc, Shopper((await sign_up(m)).user_id).enter)  # to close the account
    for browser, other in zip(everybody, everybody[1:] + everybody[:1], strict=True):
        for name in ("order_no", "payment_no"):  # and what is not theirs
            browser.seen.learn(name, other.seen.known[name][0])
    return [*everybody, free]


async def _begin_anew(m: Machines, browsers: Sequence[Browser]) -> None:
    """Log everybody in again, and look at every page as it is now."""
    for browser in browsers:
        await browser.log_in(m)
        await browser.look_around()


async def _send(to: tuple[str, int], rng: random.Random, request: Request) -> Answer:
    return await wire.exchange(to, request.raw, _address(rng), head=request.method == "HEAD")


def _address(rng: random.Random) -> str:
    """Return a loopback address: everybody comes from another, as far as limits by address can tell."""
    if rng.random() < SHARE_FROM_HERE:
        return LOOPBACK
    return f"127.{rng.randint(1, 254)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


async def _send_raw(shop: RunningShop, rng: random.Random, tally: Tally, number: int) -> None:
    """Send what is no HTTP; being hung up on, or kept waiting for the rest of it, is an answer too."""
    to = urlsplit(shop.url)

    async def one(sent: bytes, source: str) -> None:
        tally.raw += 1
        try:
            answer = await wire.exchange(
                (to.hostname or "", to.port or 0), sent, source, patience=RAW_SECONDS
            )
        except wire.SilenceError:
            return
        tally.statuses[answer.status] += 1
        if answer.status >= UNEXPECTED and not answer.is_below:
            tally.note("5xx", f"{answer.status}: {sent[:300]!r}")
        if answer.status >= REFUSED and answer.header("server"):
            tally.note("answers not as designed", f"names its server: {sent[:300]!r}")

    await asyncio.gather(*(one(raw.draw(rng), _address(rng)) for _ in range(number)))


def _explain_503(log: Path, tally: Tally) -> None:
    """Find why a machine was away each time: only its not answering in time is no fault of the shop."""
    for line in log.read_text(errors="replace").splitlines():
        said = str(json.loads(line)["said"]) if any(f'"{one}"' in line for one in TELLERS) else ""
        silence = next((word for word in SILENCES if word in said), "")
        if silence:
            tally.away_because[f"{said.partition(':')[0]}, {silence}"] += 1
        elif said.partition(":")[0].endswith("Error"):
            tally.note(UNEXPLAINED, said)
    told = tally.away_because.total() + tally.counts[UNEXPLAINED]
    if tally.away_because:  # the health check says which machine is away in its answer, not in the log
        told += tally.away_at["ops.readyz"]
    if tally.statuses[AWAY] > told:
        tally.note(UNEXPLAINED, f"{tally.statuses[AWAY]} answers, {told} in the log: {tally.away_at}")


def _read_log(log: Path, tally: Tally) -> None:
    """Find what the shop itself did not expect."""
    for line in log.read_text(errors="replace").splitlines():
        unexpected = '"traceback"' in line and not any(f'"{driver}' in line for driver in TALKATIVE)
        if unexpected or line.startswith("Traceback"):
            try:
                told = json.loads(line)
            except ValueError:
                told = {"said": line}
            tally.note(
                "unexpected exceptions",
                f"{told.get('logger')}: {told.get('said')}\n{told.get('traceback', '')[-3000:]}",
            )
