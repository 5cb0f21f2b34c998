"""A phone on slow 4G: a first visit asks for little, no press is lost, and a change costs one round trip."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.processes import RunningShop
from tests.shaper import SLOW_4G, Shaper

# What a network does to a page does not depend on the machines behind it.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

ROUND_TRIPS = 2  # without TLS: the connection, and the question
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@pytest.fixture
def slow(running: RunningShop) -> Iterator[Shaper]:
    """The shop, through a slow network."""
    with Shaper(running.url, SLOW_4G) as shaper:
        yield shaper


async def test_a_product_is_seen_found_and_put_into_the_cart_over_slow_4g(
    enter: Enter, slow: Shaper, m: Machines
) -> None:
    """The first touch brings the scripts; what was pressed before they came is not lost, and counts once."""
    walker = await enter()
    walker.url = slow.url
    page = walker.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.resource_type) if "favicon" not in one.url else None)
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await page.wait_for_function(FIRST_PAINT)
    assert asked.count("script") == 1
    assert "stylesheet" not in asked
    # Never sooner than the network allows; how much later is for ./dev bench weight, on a quiet machine.
    assert await page.evaluate(FIRST_PAINT) > SLOW_4G.floor(5000, ROUND_TRIPS) * 1000
    for _ in range(2):
        await walker.button("장바구니 담기").press("Enter")
    await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
    await walker.badge(1)
    assert asked.count("script") == 2

    await walker.go("/cart")
    asked.clear()
    await page.locator('.line [data-step="stepUp"]').first.click()
    await walker.badge(2)
    assert asked == ["fetch"]
