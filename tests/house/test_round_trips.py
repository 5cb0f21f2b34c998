"""No page asks the stores more than three times: session, cart and one transaction are enough."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from app.infra.db import Database, Tx
from app.infra.redis import Redis, Script
from tests.buyer import Buyer, attempts, hand_over, stand_of
from tests.goods import make_options, mug
from tests.house.test_bad_input import doors
from tests.shop import Shop, Visitor
from tests.village import enter, hana, minji, run, save_address

MOST = 3
TRIES = 3

# A page that stands for a state of its address; the others are asked for as they are.
STATES = {
    "home.choose_language": "/languages/en?back=/",
    "payments.confirm_return": "/payments/toss/return/{paid_no}",
    "payments.show_outcome": "/payments/toss/return/{paid_no}/status",
    "payments.show_failure": "/payments/toss/failure/{open_no}?code=PAY_PROCESS_CANCELED",
    "payments.show_payment": "/orders/{open}/payment",
    "payments.show_handover": "/orders/{open}/payment/handover",
    "payments.show_takeover": "/payments/handovers/{payment_pass}",
    "addresses.show_address": "/account/addresses/{address_no}",
    "orders.show_order": "/orders/{paid}",
    "orders.show_status": "/orders/{open}/status",
    "orders.show_receipt": "/orders/{paid}/receipt",
    "catalog.show_product": "/products/{option}",
    "catalog.show_products": "/products?category={category}",
    "search.show_results": "/search?q=%EB%A8%B8%EA%B7%B8",
    "search.show_suggestions": "/search/suggestions?q=%EB%A8%B8%EA%B7%B8",
    "links.show_new_password": f"/password-reset/{'x' * 43}",
    "links.show_confirmation": f"/account/email/{'x' * 43}",
    "accounts.show_availability": "/signup/availability?signup_id=somebody_new",
    "audit.export_accesses": "/admin/access-log.csv?month=2026-11",
    "admin.show_payment": "/admin/payments/{web_payment_id}",
    "static.show_file": "/static/x/css/shop.css",
    "static.show_picture": "/pictures/mug.svg",
}

trips: ContextVar[list[str] | None] = ContextVar("trips", default=None)


@dataclass(frozen=True)
class Ground:
    """A member with a full cart, an order to pay and one that is paid: whoever costs the most."""

    visitor: Visitor
    operator: Visitor
    buyer: Buyer
    known: dict[str, Any]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ground(shop: Shop) -> AsyncIterator[Ground]:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    category = f"shelf-{secrets.token_hex(4)}"
    product = await mug(shop.m, category=category)
    options = await make_options(shop.m, {"작은 것": 3, "큰 것": 0}, category=category)
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, visitor, stand)
        paid = await buyer.order((product, 1))
        await buyer.pay(paid)
        open_ = await buyer.order((product, 2), (options[0], 1))
        known = {
            "paid": paid, "paid_no": (await attempts(shop, paid))[0].payment_no,
            "open": open_, "open_no": (await attempts(shop, open_))[0].payment_no,
            "address_no": await save_address(shop.m, person.user_id),
            "payment_pass": await hand_over(shop, open_),
            "option": options[0], "category": category,
            "web_payment_id": (await attempts(shop, paid))[0].web_payment_id,
        }  # fmt: skip
        yield Ground(visitor, await run(shop, await hana(shop.m)), buyer, known)


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every transaction and every word to Redis of whatever runs in this test's context.

    The worker in the same loop was started in another context, and is not counted.
    """

    def note(what: str) -> None:
        counted = trips.get()
        if counted is not None:
            counted.append(what)

    transaction, run, command = Database._transaction, Redis.run, Redis.command

    def noted_transaction(self: Database, *, write: bool) -> AbstractAsyncContextManager[Tx]:
        note("write" if write else "read")
        return transaction(self, write=write)

    async def noted_run(self: Redis, script: Script, *args: Any) -> Any:
        note(f"redis {script.name}")
        return await run(self, script, *args)

    async def noted_command(self: Redis, *words: Any) -> Any:
        note(f"redis {words[0]}")
        return await command(self, *words)

    monkeypatch.setattr(Database, "_transaction", noted_transaction)
    monkeypatch.setattr(Redis, "run", noted_run)
    monkeypatch.setattr(Redis, "command", noted_command)


@asynccontextmanager
async def counted() -> AsyncIterator[list[str]]:
    mine: list[str] = []
    token = trips.set(mine)
    yield mine
    trips.reset(token)


@pytest.mark.parametrize("endpoint", sorted(doors("GET")))
async def test_a_page_asks_the_stores_three_times_at_most(ground: Ground, endpoint: str) -> None:
    """Asked for more than once: a session is checked once a minute, categories are kept for ten seconds."""
    url = STATES.get(endpoint, doors("GET")[endpoint]).format(**ground.known)
    assert "<" not in url, f"say in STATES what {endpoint} is to be asked for"
    visitor = ground.operator if url.startswith("/admin") else ground.visitor
    for htmx in (False, True):
        fewest = await asks(visitor, url, htmx=htmx)
        for _ in range(TRIES):  # what is kept for a second may be over by the next request
            fewest = min(fewest, await asks(visitor, url, htmx=htmx), key=len)
        assert len(fewest) <= MOST, fewest


async def asks(visitor: Visitor, url: str, *, htmx: bool) -> list[str]:
    """Ask for a page; return what it asked the stores."""
    async with counted() as mine:
        answer = await visitor.get(url, htmx=htmx)
    assert answer.status_code < 500
    return mine


async def test_the_way_back_from_toss_asks_as_often_as_its_protocol_has_steps(ground: Ground) -> None:
    """The one exception: it is a GET because Toss sends the browser there, but it is a purchase, not a page.

    Session; the attempt; the claim with the goods held; the payment settled; the hot cart emptied.
    """
    url = await ground.buyer.authenticate(ground.known["open"])
    async with counted() as mine:
        answer = await ground.visitor.get(url)
    assert answer.status_code == 303
    assert mine == ["redis look_up", "read", "write", "write", "redis clear"]
