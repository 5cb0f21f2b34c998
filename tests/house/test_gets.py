"""Looking changes nothing: every address, asked for with GET and HEAD, leaves every row of every table.

But what is kept of the looking itself: whose data an operator saw, and when a session was last in use.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, Table, select

from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.main import create_app
from app.models import access_log, operator_sessions
from app.models.base import metadata
from app.settings import Settings
from tests.buyer import Buyer, attempts, back, hand_over, stand_of, states
from tests.goods import mug
from tests.house.test_races import CHANGING_GETS
from tests.shop import HTMX, Shop, Visitor, settings_for
from tests.stack import STACKS, Stack
from tests.village import enter, hana, minji, run, save_address

pytestmark = pytest.mark.real_first

RULES = {
    rule.endpoint: str(rule)
    for rule in create_app(Settings(secret_key="k", password_pepper="p")).url_map.iter_rules()
    if "GET" in (rule.methods or ()) and rule.endpoint not in CHANGING_GETS
}
# What forms send, written into an address: no door may take it for a form.
AS_IF_A_FORM = (
    "product_id={mug}&quantity=5&key=0&signup_id=newcomer&password=long+enough+for+this&name=x&phone=01012345678"
    "&order_no={order_no}&nonce=0&amount=1000&reason=x&confirmed=1&seen_total=1&_method=POST&csrf=x"
)
PREFETCH = {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"}
OVERRIDE = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE"}


@dataclass(frozen=True, slots=True)
class Ground:
    """A shop without a worker: a member with orders, an operator and a stranger with a cart look around."""

    shop: Shop
    visitors: dict[str, Visitor]
    known: dict[str, Any]

    def address(self, rule: str) -> str:
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(self.known[found[1]]), rule)

    async def rows(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        async with self.shop.m.db.read() as tx:
            return {
                table.name: sorted(map(repr, (await tx.execute(select(*kept_columns(table)))).all()))
                for table in metadata.sorted_tables
                if table is not access_log
            }


def kept_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column is not operator_sessions.c.last_seen_at]


@pytest.fixture(scope="module", params=STACKS, ids=list(STACKS))
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Machines without a worker, or another test."""
    with STACKS[request.param](tmp_path_factory.mktemp("gets")) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(alone: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    settings = settings_for(alone, tmp_path_factory.mktemp("shop"))
    m: Machines = build_machines(settings)
    await migrate(m.db)
    shop = Shop(alone, m, create_app(settings, m))
    product = await mug(m)
    person = await minji(m)
    visitor = await enter(shop, person)
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, visitor, stand)
        paid = await buyer.order((product, 1))
        await buyer.pay(paid)
        order_no = await buyer.order((product, 2))
        await buyer.put(product)
        stranger = shop.visitor()
        await Buyer(shop, stranger, stand).put(product)
        [attempt] = await attempts(shop, order_no)
        payment_no, total = attempt.payment_no, attempt.total_price
        payment_key, _ = await stand.approve(total, orderId=payment_no)
    known = {
        "product_id": product, "mug": product, "order_no": order_no, "paid": paid, "payment_no": payment_no,
        "web_payment_id": attempt.web_payment_id, "hash_": "x",
        "path": "css/shop.css", "name": "mug.svg", "token": "x" * 43, "number": "0" * 16,
        "address_no": await save_address(m, person.user_id),
        "payment_pass": await hand_over(shop, order_no),
        "language": "en", "back": back(payment_no, payment_key, total),
    }  # fmt: skip
    visitors = {"member": visitor, "operator": await run(shop, await hana(m)), "stranger": stranger}
    yield Ground(shop, visitors, known)
    await m.close()


@pytest.mark.parametrize("who", ["member", "operator", "stranger"])
async def test_looking_at_every_page_changes_no_row(ground: Ground, who: str) -> None:
    visitor, before, seen = ground.visitors[who], await ground.rows(), []
    for endpoint, rule in RULES.items():
        url = ground.address(rule)
        for address in (url, f"{url}?{AS_IF_A_FORM.format(**ground.known)}"):
            for headers in ({}, HTMX, PREFETCH, OVERRIDE):
                answers = [await visitor.client.get(address, headers=headers)]
                answers.append(await visitor.client.head(address, headers=headers))
                seen += [(endpoint, answer.status_code) for answer in answers if answer.status_code >= 500]
    for receipt in ("", "/receipt", "/payment"):
        await visitor.get(f"/orders/{ground.known['paid']}{receipt}")
    await ground.shop.m.background.drain(10)
    assert set(seen) <= {("ops.readyz", 503)}  # which says so of a machine that took half a second
    assert await ground.rows() == before
    assert before["orders"]
    assert before["sessions"]


async def test_whoever_only_looks_at_the_way_back_has_not_come_back(ground: Ground) -> None:
    """The sole GET that changes something is bound to its payment; HEAD, or another sum, does nothing."""
    visitor, before = ground.visitors["member"], await ground.rows()
    assert (await visitor.client.head(ground.known["back"])).status_code < 400
    assert await ground.rows() == before
    assert (await states(ground.shop, ground.known["order_no"]))[1] == ["PENDING"]


def test_what_changes_cannot_be_asked_for_with_get() -> None:
    app = create_app(Settings(secret_key="k", password_pepper="p"))
    both = [
        str(rule) for rule in app.url_map.iter_rules() if {"GET", "POST"} <= set(rule.methods or ())
    ]  # fmt: skip
    assert both == []
