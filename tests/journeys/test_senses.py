"""The shop for whoever uses no mouse, sees twice as large, or chose their own colours and no motion."""

import pytest
from playwright.async_api import Page, expect

from app.machines import Machines
from tests.journeys import sound
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.test_purchase import CATEGORY, check_out, choose, press, skip_to_main
from tests.journeys.walker import DESK, Walker, add, focused
from tests.toss_stand import Stand

# What the browser does with a page does not depend on the machines behind it.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

TWICE = (640, 400)  # a desk of 1280 x 800 at 200 %
MOST_STOPS = 150
# The element that has the focus: seen, with a mark around it, and not under a bar.
STOP = """() => {
  const element = document.activeElement;
  if (element === document.body) return { end: true };
  const box = element.getBoundingClientRect();
  const drawn = (...which) => {
    const style = getComputedStyle(element, ...which);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const middle = box.y + Math.min(box.height, innerHeight) / 2;
  const top = document.elementFromPoint(box.x + box.width / 2, middle);
  const wrong = [];
  if (element.id !== 'main' && !drawn() && !drawn('::after')) wrong.push('no mark');
  if (box.bottom <= 0 || box.top >= innerHeight) wrong.push('out of sight');
  if (!top || !(element.contains(top) || top.contains(element))) wrong.push('covered');
  return { end: false, line: wrong.length ? `${wrong}: ${element.outerHTML.slice(0, 120)}` : '' };
}"""
WORDS = "document.body.innerText.split(/\\s+/).join(' ')"
# Text in the colour of its own ground; a field without an edge of its own or around it.
GONE = """() => [...document.querySelectorAll('body *')].filter((element) => {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || !element.checkVisibility() || element.closest('.sr, noscript, svg')) return false;
  const colour = (each) => getComputedStyle(each).backgroundColor;
  let ground = element;
  while (ground.parentElement && colour(ground) === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
  return getComputedStyle(element).color === colour(ground);
}).map((element) => `unseen: ${element.outerHTML.slice(0, 120)}`)"""
EDGELESS = """() => {
  const isBare = ({ borderTopStyle, borderTopWidth }) => borderTopStyle === 'none'
    || !parseFloat(borderTopWidth);
  return [...document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=radio]), select')]
    .filter((field) => field.checkVisibility()
      && [field, field.parentElement].every((each) => isBare(getComputedStyle(each))))
    .map((field) => `no edge: ${field.outerHTML.slice(0, 120)}`);
}"""
MOVES = """() => [...document.querySelectorAll('*')].filter(
  (element) => [undefined, '::before', '::after'].some((part) => {
    const { transitionDuration, animationName } = getComputedStyle(element, part);
    return parseFloat(transitionDuration) > 0 || animationName !== 'none';
  })).map((element) => `moves: ${element.outerHTML.slice(0, 120)}`)"""
COLOURS = [{"forced_colors": "active"}, {"contrast": "more"}]


async def not_lost(page: Page) -> None:
    assert not (await focused(page)).startswith("BODY")


async def test_a_purchase_by_keyboard_at_twice_the_size(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter(size=TWICE)
    page = walker.page
    await walker.go("/")
    await skip_to_main(page)
    await press(page, walker.link(CATEGORY))
    await expect(walker.heading(CATEGORY)).to_be_visible()
    [chosen] = await choose(walker, 1)
    await skip_to_main(page)
    await press(page, page.locator(f"#catalog-card-{chosen} a"))
    await expect(walker.button("장바구니 담기")).to_be_visible()
    await press(page, walker.button("장바구니 담기"))
    await walker.badge(1)
    await not_lost(page)
    await press(page, page.locator("#web-header").get_by_role("link", name="장바구니"))
    more = page.locator(f"#cart-line-{chosen}").get_by_role("button", name="수량 늘리기")
    await press(page, more, key="Space")
    await walker.badge(2)
    await not_lost(page)
    await check_out(walker)
    await expect(page.get_by_role("radio", name="카드")).to_be_visible()
    await press(page, page.get_by_role("radio", name="카드"), key="Space")
    await not_lost(page)
    await press(page, page.get_by_role("checkbox"), key="Space")
    await not_lost(page)
    assert await page.evaluate(sound.SIDEWAYS) == []


async def test_a_purchase_by_keyboard_without_scripts(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter(size=DESK, scripts=False)
    page = walker.page
    await walker.go("/")
    await press(page, walker.link(CATEGORY))
    await expect(walker.heading(CATEGORY)).to_be_visible()
    [chosen] = await choose(walker, 1)
    await press(page, page.locator(f"#catalog-card-{chosen} a"))
    await press(page, walker.button("장바구니 담기"))
    await page.wait_for_url("**/cart")
    line = page.locator(f"#cart-line-{chosen}")
    await press(page, line.get_by_role("spinbutton"), key="Control+a")
    await page.keyboard.type("2")
    await press(page, line.get_by_role("button", name="변경"))
    await walker.badge(2)
    await check_out(walker)
    await expect(page.locator("noscript p").first).to_contain_text("아직 결제되지 않았습니다")


@pytest.mark.parametrize("size", [DESK, (360, 740)], ids=["desk", "phone"])
async def test_the_focus_is_seen_at_every_stop(enter: Enter, m: Machines, size: tuple[int, int]) -> None:
    walker = await enter(size=size)
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    wrong: list[str] = []
    for path in (f"/products/{product_id}", "/cart", "/checkout", "/signup"):
        await walker.go(path)
        stops = 0
        while stops < MOST_STOPS:
            await walker.page.keyboard.press("Tab")
            stop = await walker.page.evaluate(STOP)
            if stop["end"]:
                break
            stops += 1
            wrong += [f"{path}: {stop['line']}"] if stop["line"] else []
        assert 5 < stops < MOST_STOPS, path  # there is a way in, and a way out
    assert wrong == []


async def each_page(walker: Walker, m: Machines) -> list[str]:
    """Put something into the cart; return where to look."""
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    return ["/", f"/products/{product_id}", "/cart", "/checkout"]


@pytest.mark.parametrize(
    "chosen", [{"forced_colors": "active"}, {"contrast": "more"}], ids=["forced", "more"]
)
async def test_nothing_disappears_in_colours_of_the_reader_s_own(
    enter: Enter, m: Machines, chosen: dict[str, str]
) -> None:
    walker = await enter()
    page = walker.page
    for path in await each_page(walker, m):
        await page.emulate_media(forced_colors="none", contrast="no-preference")
        await walker.go(path)
        words = await page.evaluate(WORDS)
        await page.emulate_media(**chosen)  # type: ignore[arg-type]
        assert await page.evaluate(WORDS) == words
        assert await page.evaluate(GONE) == [], path
        assert await page.evaluate(EDGELESS) == [], path


async def test_nothing_moves_for_who_wants_no_motion(enter: Enter, m: Machines) -> None:
    walker = await enter()
    for path in await each_page(walker, m):
        await walker.page.emulate_media(reduced_motion="reduce")
        await walker.go(path)
        assert await walker.page.evaluate(MOVES) == [], path
