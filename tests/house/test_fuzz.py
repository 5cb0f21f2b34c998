"""A few hundred strange requests to every door, within the tests; ./dev fuzz sends a hundred thousand."""

import random
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.seed import draw_pictures
from tests.buyer import stand_of
from tests.fuzz.batch import Fuzzer, Tally
from tests.fuzz.browser import Browser
from tests.fuzz.inside import ask
from tests.fuzz.people import Enter, Shopper, hire, sign_up
from tests.fuzz.spoil import Request, sound
from tests.fuzz.surface import Atlas
from tests.goods import mug
from tests.shop import Shop

ATLAS = Atlas()
HOST = "localhost"
# Called by other machines, from no page.
FORMLESS = {route.endpoint for route in ATLAS.routes if route.stance == "outside"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers(shop: Shop) -> AsyncIterator[list[Browser]]:
    """A guest, a member and operators, who have bought something, and one free to leave."""
    ways: list[Enter | None] = [None, Shopper((await sign_up(shop.m)).user_id).enter]
    ways += [clerk.enter for clerk in await hire(shop.m)]
    pictures = draw_pictures(shop.m.settings.data_path / "pictures")
    goods = [await mug(shop.m, image=next(iter(pictures.values()))) for _ in range(2)]
    buyers = [Browser(partial(ask, shop.app), ATLAS, HOST, enter) for enter in ways]
    free = Browser(partial(ask, shop.app), ATLAS, HOST, Shopper((await sign_up(shop.m)).user_id).enter)
    async with stand_of(shop) as stand:
        for browser in buyers:
            await browser.log_in(shop.m)
            await browser.buy(shop.m, stand, *goods)
    for browser in (*buyers, free):
        await browser.log_in(shop.m)
        await browser.look_around()
    yield [*buyers, free]


async def test_every_door_with_a_form_has_it_on_a_page(browsers: list[Browser]) -> None:
    """A form that nobody finds is not fuzzed as one: the crawl sees each from the day it is written."""
    found = {endpoint for browser in browsers for endpoint in browser.seen.forms}
    assert found == {route.endpoint for route in ATLAS.routes if "POST" in route.methods} - FORMLESS


async def test_every_door_is_reached_by_a_sound_request(shop: Shop, browsers: list[Browser]) -> None:
    """Whatever the fuzzer spoils, it begins with a request that gets past the address."""
    rng, reached = random.Random(1), set[str]()
    for route in ATLAS.routes:
        for browser in browsers:
            for _ in range(4):
                if route.endpoint in reached:
                    break
                draft = sound(rng, route, browser.seen)
                draft.token = ""  # past the address is far enough
                answer = await browser.send(draft.seal(HOST, browser.cookies))
                if answer.status not in {400, 404, 405}:
                    reached.add(route.endpoint)
    assert {route.endpoint for route in ATLAS.routes} - reached == set()


async def test_a_picture_is_sent_on_no_condition(shop: Shop, browsers: list[Browser]) -> None:
    """``If-Match`` was answered with 412, to be kept for a year."""
    guest = browsers[0]
    picture = f"/pictures/{next(iter(draw_pictures(shop.m.settings.data_path / 'pictures').values()))}"
    headers = (("Host", HOST), ("If-Match", '"x"'), ("Range", "bytes=9999-"))
    answer = await guest.send(Request("GET", picture, headers, b"", "static.show_picture", changes=False))
    assert answer.status == 200
    assert answer.header("cache-control").endswith("immutable")


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # a shop has a long repr
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32), refused=st.booleans())
async def test_nothing_gives_way(
    shop: Shop,
    browsers: list[Browser],
    seed: int,
    refused: bool,  # noqa: FBT001 - drawn
) -> None:
    """Designed answers only, no 5xx; and what was refused has changed nothing."""
    for browser in browsers:
        await browser.log_in(shop.m)
    tally = Tally()
    await Fuzzer(shop.m, browsers, random.Random(seed), tally).run(30, refused=refused)
    assert tally.trouble == {}
