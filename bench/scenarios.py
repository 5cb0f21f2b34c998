"""What is measured: each scenario's requests, how many shoppers send them, and which answers are right."""

import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from app.catalog.paging import NEWEST
from app.catalog.service import find_page
from app.machines import Machines
from bench.client import compose
from bench.ground import Ground, Shopper, add, each
from tests.village import Person, settle

SHOPPERS = 64
CALLERS = 4096  # of a list that is sent again and again, each request from an address of its own
QUANTITIES = 9
SEEN = 100  # products that are looked at: the popular ones of a thousand
WORDS = ("찻잔", "그릇", "나무", "종이", "화분", "수건", "조명", "유리")
ONCE = 96  # requests that can be sent only once, made anew for every slice
DAY = {"browse": 70, "cart": 20, "search": 7, "checkout": 3}

Requests = Callable[[Ground], Awaitable[list[bytes]]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table.

    ``once``: each request counts only the first time, so they are made anew and sent from Python.
    ``settings``: what the sandbox or the shop must be told, in words of this file.
    """

    name: str
    requests: Requests
    connections: int = 16
    once: bool = False
    toss_ms: int = 0
    right: tuple[int, ...] = (200,)


async def set_quantity(ground: Ground, size: int = SHOPPERS) -> list[bytes]:
    """Every shopper sets a line to another quantity each time."""
    crowd = await ground.crowd(size, 5)
    turns = range(max(CALLERS // size, QUANTITIES))
    return [
        one.edit(f"/cart/lines/{one.goods[turn % 5]}", turn, quantity=turn % QUANTITIES + 1)
        for turn in turns
        for one in crowd
    ]


async def add_line(ground: Ground) -> list[bytes]:
    """Every shopper puts one more of five products into the cart, which is brought back to one of each."""
    crowd = await ground.crowd(SHOPPERS, 5)
    again = [one.edit(f"/cart/lines/{good}", 0, quantity=1) for one in crowd for good in one.goods]
    await each(len(again), lambda number: ground.ask(again[number]))
    return [
        one.edit("/cart/lines", turn, **add(one.goods[turn % 5]))
        for turn in range(CALLERS // SHOPPERS)
        for one in crowd
    ]


async def remove_and_undo(ground: Ground) -> list[bytes]:
    """Every shopper takes a line out, and brings it back."""
    crowd = await ground.crowd(SHOPPERS, 5)
    paths = itertools.cycle([f"/cart/lines/{{0.goods[{line}]}}/removal" for line in range(5)])
    turns = itertools.chain.from_iterable(
        (next(paths), "/cart/undo") for _ in range(CALLERS // SHOPPERS // 2)
    )
    return [one.edit(path.format(one), turn) for turn, path in enumerate(turns) for one in crowd]


def cart_page(lines: int) -> Requests:
    """Return a scenario's requests: members look at carts of so many lines."""

    async def requests(ground: Ground) -> list[bytes]:
        return [one.read("/cart") for one in await ground.crowd(SHOPPERS if lines == 5 else 16, lines)]  # noqa: PLR2004 - the usual cart

    return requests


async def product_page(ground: Ground) -> list[bytes]:
    """Strangers look at the popular products."""
    return look_at([f"/products/{product_id}" for product_id in ground.goods[:SEEN]])


def list_page(place: float) -> Requests:
    """Return a scenario's requests: strangers look at a page of the shop; 0 is the first, 1 the last."""

    async def requests(ground: Ground) -> list[bytes]:
        cursors = await cursors_of(ground.m)
        return look_at(
            [f"/products?after={cursors[round(place * (len(cursors) - 1))]}" if place else "/products"]
        )

    return requests


async def search(_ground: Ground) -> list[bytes]:
    """Strangers look for words of the catalogue."""
    return look_at([f"/search?q={quote(word)}" for word in WORDS])


async def log_in(ground: Ground) -> list[bytes]:
    """Members log in, each with an empty cart of a guest."""
    people = await each(SHOPPERS, lambda _: settle(ground.m, "bench", "김민지", "01012345678"))
    guests = await each(SHOPPERS, lambda _: ground.guest(0))
    pairs = [(people[turn % SHOPPERS], guests[turn % SHOPPERS], turn) for turn in range(CALLERS)]
    return [_log_in(person, guest, turn) for person, guest, turn in pairs]


def _log_in(person: Person, guest: Shopper, turn: int) -> bytes:
    return guest.edit("/login", turn, signup_id=person.signup_id, password=person.password)


async def place_order(ground: Ground) -> list[bytes]:
    """Guests press the order button of a reviewed order of two lines."""
    return await each(ONCE, lambda _: ground.order())


async def pay(ground: Ground) -> list[bytes]:
    """Guests come back from the Toss window."""
    return await each(ONCE, lambda _: ground.payment())


async def mixed_day(ground: Ground) -> list[bytes]:
    """A day: 70 % look around, 20 % edit a cart, 7 % search, 3 % go to the checkout."""
    shuffled = random.Random(1)  # noqa: S311 - the same day every time
    members = await ground.crowd(SHOPPERS, 5)
    browse = [*await product_page(ground), *await list_page(0)(ground), *await list_page(0.5)(ground)]
    parts = {
        "browse": shuffled.sample(browse, len(browse)),
        "cart": await set_quantity(ground),
        "search": await search(ground),
        "checkout": [one.read("/checkout") for one in members],
    }
    day = shuffled.choices(list(DAY), list(DAY.values()), k=CALLERS)
    return [parts[name][turn % len(parts[name])] for turn, name in enumerate(day)]


def look_at(paths: list[str]) -> list[bytes]:
    """Return strangers' requests for pages, in turn."""
    return [compose("GET", paths[turn % len(paths)], caller=turn) for turn in range(CALLERS)]


async def cursors_of(m: Machines) -> list[str]:
    """Return the cursor of every page of the whole shop, the first of all as ''."""
    cursors = [""]
    while following := (await find_page(m, "", NEWEST, cursors[-1])).next_cursor:
        cursors.append(following)
    return cursors


def shoppers(size: int) -> Requests:
    """Return a scenario's requests: so many members, each on a connection and with a cart of their own."""

    async def requests(ground: Ground) -> list[bytes]:
        return await set_quantity(ground, size)

    return requests


SCENARIOS = (
    Scenario("cart: set quantity", set_quantity),
    Scenario("cart: add", add_line),
    Scenario("cart: remove and undo", remove_and_undo),
    Scenario("cart page, 1 line", cart_page(1)),
    Scenario("cart page, 5 lines", cart_page(5)),
    Scenario("cart page, 50 lines", cart_page(50)),
    Scenario("product page", product_page),
    Scenario("list page, first", list_page(0)),
    Scenario("list page, middle", list_page(0.5)),
    Scenario("list page, last", list_page(1)),
    Scenario("search", search),
    Scenario("log-in", log_in, right=(303,)),
    Scenario("place order", place_order, once=True, right=(303,)),
    Scenario("payment return, Toss 0 ms", pay, once=True, right=(303,)),
    Scenario("payment return, Toss 300 ms", pay, once=True, toss_ms=300, right=(303,)),
    Scenario("1 shopper", shoppers(1), connections=1),
    Scenario("16 shoppers", shoppers(16), connections=16),
    Scenario("64 shoppers", shoppers(64), connections=64),
    Scenario("256 shoppers", shoppers(256), connections=256),
    Scenario("mixed day", mixed_day),
)
