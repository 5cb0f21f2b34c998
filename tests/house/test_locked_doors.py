"""What is one person's is nobody else's: every address that names something, asked for by everybody."""

import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from quart import Response
from quart.testing.utils import sentinel
from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts import sessions
from app.accounts.links.service import EMAIL, RESET
from app.admin.gallery.samples import NOON
from app.core import ids
from app.machines import Machines
from app.models import account_links, orders, users, web_payments
from app.models import sessions as session_rows
from app.web.operators import STANCES
from tests.buyer import ADDRESS, Buyer, attempts, hand_over, stand_of
from tests.fuzz.people import be_mailed
from tests.fuzz.surface import Atlas, Route
from tests.goods import mug
from tests.shop import Shop, Visitor
from tests.village import enter, hana, jun, minji, run, save_address

# What the names in addresses open. A new name must be judged here.
OPEN = {
    "product_id": "the catalogue; in the cart, a line of one's own",
    "hash_": "a file everybody gets",
    "path": "a file everybody gets",
    "name": "a picture everybody gets",
    "language": "a choice everybody has",
}
OWNED = {
    "order_no": "an order: its owner's, and whoever's who shows its number and telephone",
    "address_no": "an address that a member has saved: its member's",
    "number": "a browser that is logged in: its member's",
}
BEARER = {
    "payment_no": "160 bits that only its shopper was ever given; says nothing of anybody",
    "payment_pass": "our seal on one order's number: it is paid with that, and nothing else is seen or done",
    "token": "256 bits that were mailed; behind a member's door, good for that member only",
}
DESK = {
    "web_payment_id": "a payment, for operators: to all others there is no such address",
    "operator_factor_id": "a passkey, for the operator whose it is",
}

ROUTES = Atlas().routes
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
NOBODYS = {"order_no": "20260101-0000000", "number": "0" * 16, "address_no": "f" * 32, "token": "A" * 43}
TO_LOG_IN, NOT_FOUND = 303, 404


def routes(names: dict[str, str]) -> list[Route]:
    """The routes that name something of a kind."""
    return [route for route in ROUTES if set(route.names) & set(names)]


# What opens for its owner only.
BOUND = routes(OWNED) + [route for route in routes(BEARER) if route.stance == "member"]


@dataclass(frozen=True)
class Somebody:
    """A browser, the paid order that is its own, and for a member another browser and two mailed links."""

    who: str
    visitor: Visitor
    user_id: int  # 0: no member
    order_no: str
    payment_no: str
    web_payment_id: int
    token: str
    desk_token: str
    number: str = ""
    reset_token: str = ""
    email_token: str = ""
    payment_pass: str = ""
    address_no: str = ""

    @property
    def role(self) -> str:
        """What the browser is to the shop."""
        return self.who.removeprefix("another ")

    def owns(self, route: Route) -> bool:
        """Whether there is anything of theirs behind a door."""
        return bool(self.user_id) or route.stance != "member"

    async def ask(self, method: str, url: str) -> Response:
        """Ask, with a sound form token."""
        token = self.desk_token if url.startswith("/admin") else self.token
        if method == "POST":
            return await self.visitor.post(url, csrf=token)
        headers = {"X-CSRF-Token": token}
        return await self.visitor.client.open(url, method=method, headers=headers, json=sentinel)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def buyers(shop: Shop) -> AsyncIterator[list[Somebody]]:
    """Two members, two guests, and somebody who runs the shop and shops in it; each has paid an order."""
    m = shop.m
    members = [await minji(m), await jun(m)]
    browsers = {
        "member": (await enter(shop, members[0]), members[0].user_id),
        "another member": (await enter(shop, members[1]), members[1].user_id),
        "guest": (shop.visitor(), 0),
        "another guest": (shop.visitor(), 0),
        "operator": (await run(shop, await hana(m)), 0),
    }
    cup = await mug(m)
    async with stand_of(shop) as stand:
        people = []
        for who, (visitor, user_id) in browsers.items():
            desk_token = await visitor.token()
            visitor.form_page = "/orders/lookup"
            buyer = Buyer(shop, visitor, stand)
            order_no = await buyer.order((cup, 1))
            await buyer.pay(order_no)
            [attempt] = await attempts(shop, order_no)
            numbers = (order_no, attempt.payment_no, attempt.web_payment_id)
            tokens = (await visitor.token(), desk_token)
            handed_over = await hand_over(shop, order_no)
            people.append(Somebody(who, visitor, user_id, *numbers, *tokens, payment_pass=handed_over))
        yield people


@pytest_asyncio.fixture
async def everybody(shop: Shop, buyers: list[Somebody]) -> list[Somebody]:
    """The same, and of each member one more browser that is logged in, and two links nobody has used."""
    return [await _renew(shop.m, one) if one.user_id else one for one in buyers]


async def _renew(m: Machines, one: Somebody) -> Somebody:
    member = await accounts.read_account(m, one.user_id)
    token = await sessions.open_session(m, member, "another browser")
    async with m.db.read() as tx:
        number = next(
            each.number for each in await sessions.read_open(tx, one.user_id, token) if each.is_this
        )
    reset, email = await be_mailed(m, member, RESET), await be_mailed(m, member, EMAIL)
    saved = await save_address(m, one.user_id)
    return replace(one, number=number, reset_token=reset, email_token=email, address_no=saved)


def pairs(people: list[Somebody]) -> Iterator[tuple[Somebody, Somebody]]:
    """Everybody, with everybody."""
    return ((asker, owner) for asker in people for owner in people)


def questions(people: list[Somebody], route: Route) -> Iterator[tuple[Somebody, Somebody, str]]:
    """Everybody asks for everybody's as the route offers; in all other ways for their own and one other's."""
    for asker, owner in pairs(people):
        near = asker is owner or people[people.index(asker) - 1] is owner
        for method in METHODS if owner.owns(route) else ():
            if near or route.stance == "member" or method in route.methods - {"OPTIONS"}:
                yield asker, owner, method


def fill(route: Route, owner: Somebody) -> str:
    values = {
        "order_no": owner.order_no,
        "payment_no": owner.payment_no,
        "web_payment_id": str(owner.web_payment_id),
        "operator_factor_id": "1",
        "number": owner.number,
        "payment_pass": owner.payment_pass,
        "address_no": owner.address_no,
        "token": owner.email_token if route.stance == "member" else owner.reset_token,
    }
    return route.fill(values)


async def state(shop: Shop, everybody: list[Somebody]) -> list[set[tuple[Any, ...]]]:
    """Everything of everybody's orders, who is logged in where, and which links were used."""
    members = [one.user_id for one in everybody]
    mine = orders.c.order_no.in_([one.order_no for one in everybody])
    paid = select(orders, web_payments).join(web_payments, web_payments.c.order_id == orders.c.order_id)
    logged_in = select(session_rows.c.token_hash, session_rows.c.revoked_at)
    queries = (
        paid.where(mine),
        logged_in.where(session_rows.c.user_id.in_(members)),
        select(account_links).where(account_links.c.user_id.in_(members)),
        select(users).where(users.c.user_id.in_(members)),
    )
    async with shop.m.db.read() as tx:
        return [{tuple(row) for row in await tx.execute(query)} for query in queries]


async def text(answer: Response, *hidden: str) -> str:
    """The page without what changes from answer to answer: numbers asked for, form tokens, support codes."""
    page = await answer.get_data(as_text=True)
    for word in hidden:
        page = page.replace(word, "…")
    return re.sub(r'name="csrf" value="[^"]*"|[0-9a-f]{8}(?=</)|data-hx-headers="[^"]*"', "", page)


def test_every_name_in_an_address_is_judged() -> None:
    """A new address that names something fails here until somebody has said whose it is."""
    named = {name for route in ROUTES for name in route.names}
    assert named == {*OPEN, *OWNED, *BEARER, *DESK}


def test_what_the_matrix_asks_for_is_there() -> None:
    assert len(routes(OWNED)) >= 5
    assert len(routes(BEARER)) >= 3
    assert len(routes(DESK)) >= 3


async def test_what_is_somebodys_is_not_there_for_anybody_else(shop: Shop, everybody: list[Somebody]) -> None:
    """Every route that is bound to an owner, asked by everybody for everybody's, by every method.

    ``pytest -s`` prints the table: what the owner is answered, and what all the others are.
    """
    seen: dict[tuple[str, str], dict[str, Counter[int]]] = {}
    before = await state(shop, everybody)
    addresses = {route.rule: route for route in BOUND}.values()
    asked = [(route, *question) for route in addresses for question in questions(everybody, route)]
    for as_owner in (False, True):  # they use up what is theirs
        for route, asker, owner, method in asked:
            if (asker is owner) is as_owner:
                answer = await asker.ask(method, fill(route, owner))
                whose = "owner" if as_owner else asker.role
                statuses = seen.setdefault((method, route.rule), {}).setdefault(whose, Counter())
                statuses[answer.status_code] += 1
        assert as_owner or await state(shop, everybody) == before
    sys.stdout.write(f"{table(seen)}\n")
    for (method, rule), found in seen.items():
        owners = set(found.pop("owner"))
        stance = next((one.stance for one in ROUTES if one.rule == rule and method in one.methods), "")
        for who, told in found.items():
            kept_out = TO_LOG_IN if stance == "member" and who != "member" else NOT_FOUND
            wanted = {kept_out} if stance and method != "OPTIONS" else owners  # else: nobody is told anything
            assert set(told) == wanted, (method, rule, who, owners, told)
        assert (NOT_FOUND in owners) is False, (method, rule, owners)


def table(seen: dict[tuple[str, str], dict[str, Counter[int]]]) -> str:
    """How many were answered what."""
    who = ("owner", "member", "guest", "operator")
    rows = [f"| method | route | {' | '.join(who)} |", f"|{'---|' * 6}"]
    for (method, rule), found in seen.items():
        cells = (", ".join(f"{n} × {status}" for status, n in sorted(found[one].items())) for one in who)
        rows.append(f"| {method} | `{rule}` | {' | '.join(cells)} |")
    return "\n".join(rows)


async def test_not_yours_and_not_there_are_the_same_answer(everybody: list[Somebody]) -> None:
    owner, *others = everybody
    hidden = (owner.order_no, owner.number, owner.email_token, owner.address_no, *NOBODYS.values())
    for route in BOUND:
        [method] = route.methods & {"GET", "POST"}
        for asker in (one for one in others if one.owns(route)):
            not_theirs = await asker.ask(method, fill(route, owner))
            not_there = await asker.ask(method, route.fill(NOBODYS))
            assert not_theirs.status_code == not_there.status_code == NOT_FOUND
            assert set(not_theirs.headers.keys()) == set(not_there.headers.keys())
            assert await text(not_theirs, *hidden) == await text(not_there, *hidden)


async def test_a_payment_number_tells_nobody_anything_about_somebody(everybody: list[Somebody]) -> None:
    """It comes back from Toss in whatever browser the shopper's bank opens: it works there, and is silent."""
    for route in routes(BEARER):
        for asker, owner in (pair for pair in pairs(everybody) if pair[1].user_id):
            answer = await asker.ask("GET", fill(route, owner))
            page = await answer.get_data(as_text=True)
            if asker is not owner:
                told = (
                    owner.order_no,
                    ADDRESS["recipient_name"],
                    ADDRESS["address1"],
                    "달빛 머그",
                    "01012345678",
                )
                assert [word for word in told if word in page + answer.headers.get("Location", "")] == []


async def test_the_desk_is_there_for_operators_only(shop: Shop, everybody: list[Somebody]) -> None:
    *others, operator = everybody
    before = await state(shop, everybody)
    desk = [route for route in ROUTES if route.stance in STANCES]
    assert {route.endpoint for route in routes(DESK)} <= {route.endpoint for route in desk}
    for route in desk:
        for asker in others:
            for method in route.methods - {"OPTIONS"}:
                answer = await asker.ask(method, fill(route, operator))
                assert answer.status_code == NOT_FOUND, (asker.who, method, route.rule)
        if "GET" in route.methods and route.endpoint != "audit.export_accesses":  # that wants a month
            assert (await operator.ask("GET", fill(route, operator))).status_code in {200, 303}
    assert await state(shop, everybody) == before


MAKERS: dict[str, tuple[Callable[[], str], int]] = {
    # What each number is drawn from, in bits. An order's is spoken on the phone: it opens nothing by itself.
    "order_no": (lambda: ids.order_no(NOON).split("-")[1], 35),
    "payment_no": (ids.payment_no, 160),
    "session and guest token": (ids.token, 256),
    "form key": (ids.idempotency_key, 128),
}


@pytest.mark.parametrize("what", MAKERS)
def test_numbers_are_drawn_and_not_counted(what: str) -> None:
    """Of ten thousand, none twice, no place that does not vary, and no order in them."""
    make, bits = MAKERS[what]
    made = [make() for _ in range(10_000)]
    assert len(set(made)) >= len(made) - (1 if bits < 64 else 0)
    assert all(len(set(letters)) > 8 for letters in zip(*made, strict=True))
    rises = sum(first < second for first, second in pairwise(made))
    assert 0.45 < rises / len(made) < 0.55


def test_no_counter_stands_in_the_address_of_something_private() -> None:
    """``<int:…>`` is a row's number: of goods, which are public, and on the desk, which is shut."""
    counted = {name for route in ROUTES for name in re.findall(r"<int:(\w+)>", route.rule)}
    assert counted <= {"product_id", *DESK}


async def test_no_page_of_a_shopper_says_a_rows_number(everybody: list[Somebody]) -> None:
    """How many have ordered before somebody is nobody's business: pages name orders, never rows."""
    shopper = everybody[0]
    for url in (
        "/orders",
        f"/orders/{shopper.order_no}",
        f"/orders/{shopper.order_no}/receipt",
        "/account",
        "/cart",
    ):
        page = await (await shopper.visitor.get(url)).get_data(as_text=True)
        assert re.findall(r"(?:order|payment|user|cart)_id\W+\d+", page) == []
