"""Five quick edits of a cart on an uneven network, again and again: the page ends with what the shop has."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Request

from app.machines import Machines
from tests.faultproxy import FaultProxy
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import Walker, add
from tests.processes import RunningShop

# Numbers and events do not depend on the machines behind the page.
pytestmark = pytest.mark.parametrize("grounds", ["real"], indirect=True, scope="package")

SAMPLE, CAMPAIGN = 10, 1000
PAGES = 6  # at work at a time in the campaign
EDITS = 5
MOST_POSTS = 2
LONGEST_PAUSE_MS = 250  # between two edits: longer ones are not quick
LONGEST_WAY_SECONDS = 0.4  # of one chunk, in one direction

# What a cart says of itself, on the screen or as it is sent: quantities, amounts, the sums, the badge.
FACTS = """
const factsOf = (page) => ({
  lines: [...page.querySelectorAll('.lines > li')].map((line) => [
    line.id, line.querySelector('[type=number]').value, line.querySelector('.amount').textContent.trim()]),
  sums: [...page.querySelectorAll('#cart-totals dd')].map((sum) => sum.textContent),
  badge: page.querySelector('#cart-badge').textContent,
});
"""
# Types or taps as told, then waits until the last edit was sent and all are answered.
EDIT = """
async (edits) => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  for (const { product, how, pause } of edits) {
    const field = document.getElementById(`cart-quantity-${product}`);
    if (how.startsWith('step')) field.parentElement.querySelector(`[data-step=${how}]`).click();
    else {
      field.value = how;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    await wait(pause);
  }
  for (let quiet = 0; quiet < 4; quiet += 1) {
    await wait(100);
    if (document.querySelector('[aria-busy]')) quiet = 0;
  }
  return factsOf(document);
}
"""
# Without its scripts: the page's policy lets no text with one become a document.
READ = r"""(html) => factsOf(
  new DOMParser().parseFromString(html.replace(/<script.*?<\/script>/gs, ''), 'text/html'))"""


@pytest_asyncio.fixture(loop_scope="session")
async def network(running: RunningShop) -> AsyncIterator[FaultProxy]:
    door = urlsplit(running.url)
    assert door.hostname
    assert door.port
    with FaultProxy(door.hostname, door.port) as proxy:
        yield proxy


class Editor:
    """One shopper in front of a cart of two lines."""

    def __init__(self, walker: Walker, shop_url: str, goods: list[int]) -> None:
        self.walker, self.shop_url, self.goods = walker, shop_url, goods
        self.posts: list[str] = []
        walker.page.on("request", self._note)

    async def come_in(self) -> None:
        """Fill the cart and open it."""
        page = self.walker.page
        for product_id in self.goods:
            await add(self.walker, product_id)
        await page.add_init_script(FACTS.replace("const factsOf", "globalThis.factsOf"))
        await self.walker.go("/cart")

    async def run(self, seed: int) -> tuple[Any, Any, Counter[str]]:
        """Make five edits; return what the page says then, what the shop says, and how often it was told."""
        chance = random.Random(seed)
        self.posts.clear()
        lines = self.goods if chance.random() < 0.3 else [chance.choice(self.goods)]
        edits = [
            {
                "product": chance.choice(lines),
                "how": chance.choice(["stepUp", "stepDown", str(chance.randint(1, 9))]),
                "pause": chance.randint(0, LONGEST_PAUSE_MS),
            }
            for _ in range(EDITS)
        ]
        shown = await self.walker.page.evaluate(EDIT, edits)
        answer = await self.walker.page.request.get(f"{self.shop_url}/cart")
        told = await self.walker.page.evaluate(READ, await answer.text())
        return shown, told, Counter(self.posts)

    def _note(self, request: Request) -> None:
        if request.method == "POST":
            self.posts.append(request.url)


@pytest.mark.parametrize("runs", [SAMPLE, pytest.param(CAMPAIGN, marks=pytest.mark.slow)])
async def test_the_page_says_what_the_shop_says(  # noqa: PLR0917 - fixtures
    enter: Enter,
    m: Machines,
    running: RunningShop,
    network: FaultProxy,
    runs: int,
    record_property: Callable[[str, object], None],
) -> None:
    goods = await on_sale(m, 2)
    editors = [
        Editor(await enter(url=f"http://{network.address}"), running.url, goods)
        for _ in range(PAGES if runs > SAMPLE else 2)
    ]
    for editor in editors:
        await editor.come_in()
    network.jitter(LONGEST_WAY_SECONDS, seed=runs)
    seeds = iter(range(runs))
    wrong: list[tuple[int, Any, Any]] = []
    posts: Counter[int] = Counter()

    async def work(editor: Editor) -> None:
        for seed in seeds:
            shown, told, sent = await editor.run(seed)
            if shown != told:
                wrong.append((seed, shown, told))
            posts.update(sent.values())

    await asyncio.gather(*(work(editor) for editor in editors))
    record_property("posts for the edits of one line", dict(posts))
    assert wrong == []
    assert max(posts) <= MOST_POSTS, posts
