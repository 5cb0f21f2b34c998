"""The same form two or five times at the same instant: it counts once, and every answer says the same."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.presses import KINDS, MEMBERS, Press, Presser
from tests.processes import Buyer, RunningShop
from tests.shop import HTMX

SAMPLE, CAMPAIGN = 16, 1000
AT_WORK = 4
TIMES = (2, 5)
BUSY = 503
# What is new in every answer, whatever the form did: tokens, keys, and the number for the log.
NEW_EVERY_TIME = re.compile(r'name="(?:csrf|key)" value="[^"]+"|<dd>[0-9a-f]{8}</dd>')
Said = tuple[int, str, str]


async def press_at_once(buyer: Buyer, press: Press, times: int, headers: dict[str, str]) -> set[Said]:
    """Send a form so many times at once; return what was answered."""
    form = {"csrf": await buyer.form_token(), **press.form}

    async def send() -> Said:
        while True:
            answer = await buyer.http.post(press.url, data=form, headers=headers)
            if answer.status_code != BUSY:
                return said(answer)

    return set(await asyncio.gather(*(send() for _ in range(times))))


def said(answer: httpx.Response) -> Said:
    """What an answer tells, without what is new every time."""
    to = answer.headers.get("Location") or answer.headers.get("HX-Redirect", "")
    return answer.status_code, to, NEW_EVERY_TIME.sub("", answer.text)


async def press_again_and_again(
    running: RunningShop, m: Machines, runs: int
) -> tuple[list[str], Counter[str]]:
    """Run the seeds; return what went wrong, and how often each form was sent."""
    goods = await on_sale(m, 6)
    seeds = iter(range(runs))
    wrong: list[str] = []
    pressed: Counter[str] = Counter()

    async def work() -> None:
        for seed in seeds:
            chance = random.Random(seed)
            kind = KINDS[seed % len(KINDS)]
            buyer = running.buyer()
            press = await kind(Presser(buyer, m, goods, chance))
            times, htmx = chance.choice(TIMES), chance.random() < 0.5
            answers = await press_at_once(buyer, press, times, HTMX if htmx else {})
            told = f"seed {seed}: {kind.__name__} {times} times, htmx {htmx}"
            if len(answers) != 1 or min(answers)[0] >= 400:
                wrong.append(f"{told}: {answers}")
            buyer.token = ""
            is_in = kind not in MEMBERS or (await buyer.get("/account")).status_code == 200
            if not (is_in and await press.done()):
                wrong.append(f"{told}: not so afterwards")
            pressed[kind.__name__] += 1
            await buyer.http.aclose()
            running.buyers.remove(buyer)

    await asyncio.gather(*(work() for _ in range(AT_WORK)))
    return wrong, pressed


async def test_a_form_sent_again_at_once_counts_once(running: RunningShop, m: Machines) -> None:
    wrong, _ = await press_again_and_again(running, m, SAMPLE)
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("grounds", ["real"], indirect=True, scope="package")
async def test_a_thousand_forms_sent_again_at_once_count_once(
    running: RunningShop, m: Machines, record_property: Callable[[str, object], None]
) -> None:
    wrong, pressed = await press_again_and_again(running, m, CAMPAIGN)
    record_property("forms", dict(pressed))
    assert wrong == []
