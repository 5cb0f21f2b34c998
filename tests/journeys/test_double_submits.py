"""The same form two or five times at the same instant: it counts once, and every answer says the same."""

import asyncio
import random
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.core.ids import idempotency_key
from app.machines import Machines
from app.models import orders, users
from app.web import current
from tests.journeys.books import on_sale
from tests.processes import Buyer, RunningShop
from tests.shop import HTMX
from tests.village import unheard_of_id

SAMPLE, CAMPAIGN = 20, 1000
AT_WORK = 4
TIMES = (2, 5)
BUSY = 503
# What is new in every answer, whatever the form did: tokens, keys, and the number for the log.
NEW_EVERY_TIME = re.compile(r'name="(?:csrf|key)" value="[^"]+"|<dd>[0-9a-f]{8}</dd>')
Form = dict[str, Any]
Said = tuple[int, str, str]


@dataclass(slots=True)
class Press:
    """One form, and what must be so when it was sent."""

    url: str
    form: Form
    holds: Callable[[], Awaitable[bool]]


class Presser:
    """Somebody whose finger trembles."""

    def __init__(self, buyer: Buyer, m: Machines, goods: list[int], chance: random.Random) -> None:
        self.buyer, self.m, self.chance = buyer, m, chance
        self.cup, self.pot = chance.sample(goods, 2)
        self.signup_id, self.password = unheard_of_id("twice"), f"달빛 아래 {secrets.token_hex(4)}"

    async def add(self) -> Press:
        """Put goods in, beside those that are there."""
        await self.buyer.add(self.pot, 2)
        await self.buyer.add(self.cup, 1)
        quantity = self.chance.randint(1, 3)
        form = {"product_id": self.cup, "quantity": quantity, "key": idempotency_key()}
        return Press("/cart/lines", form, lambda: self.has({self.pot: 2, self.cup: 1 + quantity}))

    async def change(self) -> Press:
        await self.buyer.add(self.cup, 2)
        quantity = self.chance.randint(1, 9)
        return Press(
            f"/cart/lines/{self.cup}", {"quantity": quantity}, lambda: self.has({self.cup: quantity})
        )

    async def remove(self) -> Press:
        await self.buyer.add(self.cup, 2)
        await self.buyer.add(self.pot, 1)
        return Press(f"/cart/lines/{self.cup}/removal", {}, lambda: self.has({self.pot: 1}))

    async def undo(self) -> Press:
        """Bring a line back."""
        removing = await self.remove()
        await self.buyer.post(removing.url)
        return Press("/cart/undo", {"product_id": self.cup}, lambda: self.has({self.cup: 2, self.pot: 1}))

    async def order(self) -> Press:
        """Place an order."""
        await self.buyer.add(self.cup, 2)
        return Press("/checkout", await self.buyer.review(), lambda: self.has_orders("PENDING"))

    async def cancel(self) -> Press:
        """Cancel it again."""
        await self.buyer.add(self.cup, 1)
        placed = await self.buyer.place_order()
        return Press(f"/orders/{placed.order_no}/cancellation", {}, lambda: self.has_orders("CANCELED"))

    async def sign_up(self) -> Press:
        """Become a member."""
        agreed = {"terms": 1, "privacy": 1, "age": 1}
        me = {"name": "김민지", "phone": "010-1234-5678", "email": "minji@example.com"}
        form = {**me, **agreed, "signup_id": self.signup_id, "password": self.password}
        return Press("/signup", form, self.is_one_member)

    async def log_in(self) -> Press:
        """Log in as a member with a guest's cart."""
        joining = await self.sign_up()
        await self.buyer.post(joining.url, **joining.form)
        self.buyer.http.cookies.clear()
        self.buyer.token = ""
        await self.buyer.add(self.cup, 3)
        form = {"signup_id": self.signup_id, "password": self.password}
        return Press("/login", form, lambda: self.has({self.cup: 3}))

    async def has(self, wanted: dict[int, int]) -> bool:
        return await self.buyer.cart() == wanted

    async def has_orders(self, *states: str) -> bool:
        owner = current.guest_owner(self.buyer.http.cookies["gid"])
        async with self.m.db.read() as tx:
            found = await tx.execute(select(orders.c.status).where(orders.c.owner == owner))
            return list(found.scalars()) == list(states)

    async def is_one_member(self) -> bool:
        async with self.m.db.read() as tx:
            query = select(func.count()).where(users.c.signup_id == self.signup_id)
            one = (await tx.execute(query)).scalar_one() == 1
        return one and (await self.buyer.get("/account")).status_code == 200

    async def press(self, press: Press, times: int, headers: dict[str, str]) -> set[Said]:
        """Send it so many times at once; return what was answered."""
        form = {"csrf": await self.buyer.form_token(), **press.form}

        async def send() -> Said:
            while True:
                answer = await self.buyer.http.post(press.url, data=form, headers=headers)
                if answer.status_code != BUSY:
                    return said(answer)

        return set(await asyncio.gather(*(send() for _ in range(times))))


KINDS = (
    Presser.add,
    Presser.change,
    Presser.remove,
    Presser.undo,
    Presser.order,
    Presser.cancel,
    Presser.sign_up,
    Presser.log_in,
)


def said(answer: httpx.Response) -> Said:
    """What an answer tells, without what is new every time."""
    to = answer.headers.get("Location") or answer.headers.get("HX-Redirect", "")
    return answer.status_code, to, NEW_EVERY_TIME.sub("", answer.text)


async def press_again_and_again(
    running: RunningShop, m: Machines, runs: int
) -> tuple[list[str], Counter[str]]:
    """Run the seeds; return what went wrong, and how often each form was sent."""
    goods = await on_sale(m, 6)
    seeds: Iterator[int] = iter(range(runs))
    wrong: list[str] = []
    pressed: Counter[str] = Counter()

    async def work() -> None:
        for seed in seeds:
            chance = random.Random(seed)
            kind = KINDS[seed % len(KINDS)]
            buyer = running.buyer()
            presser = Presser(buyer, m, goods, chance)
            press = await kind(presser)
            times, htmx = chance.choice(TIMES), chance.random() < 0.5
            answers = await presser.press(press, times, HTMX if htmx else {})
            told = f"seed {seed}: {kind.__name__} {times} times, htmx {htmx}"
            if len(answers) != 1 or min(answers)[0] >= 400:
                wrong.append(f"{told}: {answers}")
            buyer.token = ""
            if not await press.holds():
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
