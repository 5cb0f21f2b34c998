"""What makes a page sound, seen from outside: the audit, axe, valid HTML, text that bears to be spaced."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

HERE, VENDOR = Path(__file__).parent, Path(__file__).parent.parent / "vendor"
AUDIT = (HERE / "audit.js").read_text(encoding="utf-8")
AXE = (VENDOR / "axe-4.14.1.min.js").read_text(encoding="utf-8")
HTML_VALIDATE = (VENDOR / "html-validate-11.21.1.min.js").read_text(encoding="utf-8")

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (320, 360, 1280)
HEIGHT = 740
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Without scripts a page's timers never come, and axe takes noscript for hidden: its steps are handed on by
# promises, and what stands in noscript is put where the browser shows it.
PREPARE = """(scripts) => {
  if (scripts) return;
  window.setTimeout = (act, _, ...given) => { Promise.resolve().then(() => act(...given)); return 0; };
  for (const each of document.querySelectorAll('noscript')) {
    const shown = document.createElement('div');
    shown.append(...each.childNodes);
    each.replaceWith(shown);
  }
}"""
# A colour that axe cannot judge, as a bar lies over it or it is scrolled away, is judged again in plain view.
ASK = """async ([tags, within]) => {
  const ask = (where, runOnly) => axe.run(where, {
    runOnly, preload: false, resultTypes: ['violations', 'incomplete'],
  });
  const why = ({ failureSummary, any }) => failureSummary ?? any.map((each) => each.message);
  const lines = (rules) => rules.flatMap(({ id, nodes }) => nodes.map(
    (node) => ({ id, target: node.target, line: `${id}: ${node.target}: ${why(node)}` })));
  const found = await ask(within ?? document, tags);
  const violations = lines(found.violations), incomplete = [];
  for (const doubt of lines(found.incomplete)) {
    if (doubt.id === 'color-contrast') {
      document.querySelector(doubt.target).scrollIntoView({ block: 'center', inline: 'center' });
      const again = await ask({ include: [doubt.target] }, [doubt.id]);
      violations.push(...lines(again.violations));
      incomplete.push(...lines(again.incomplete));
    } else incomplete.push(doubt);
  }
  scrollTo(0, 0);
  const said = (list) => list.map(({ line }) => line);
  return { violations: said(violations), incomplete: said(incomplete) };
}"""
# WCAG 1.4.12: what a reader may set, all at once.
SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important; }
* { word-spacing: .16em !important; }
p { margin-bottom: 2em !important; }"""
# WCAG 1.4.4, as browsers do that enlarge the text alone: all else keeps its size.
ENLARGED = ":root { font-size: 200% !important; }"
CLIPPED = """() => [...document.querySelectorAll('body *')].filter((element) => {
  const style = getComputedStyle(element);
  return ['hidden', 'clip'].includes(style.overflowX) && !element.closest('.sr, svg, img, iframe, input')
    && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
}).map((element) => `clipped: ${element.outerHTML.slice(0, 120)}`)"""
# Not a tag of its own: the page's policy forbids those.
STYLED = """(text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets.push(sheet);
}"""
SIDEWAYS = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter(
    (element) => element.getBoundingClientRect().right > clientWidth + 1 && !element.closest('.strip'));
  const names = wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 80));
  return [`scrolls sideways: ${scrollWidth} > ${clientWidth}: ${names.join('; ')}`];
}"""


@dataclass(slots=True)
class Tally:
    """What axe said of a page in some cells of the grid."""

    cells: int = 0
    violations: int = 0
    incomplete: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.cells + other.cells, self.violations + other.violations, self.incomplete + other.incomplete
        )


async def audit(page: Page, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """Return what our own audit finds at each width."""
    found: list[str] = []
    for width in widths:
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width}: {line}" for line in await page.evaluate(AUDIT)]
    return found


async def load_axe(page: Page, *, scripts: bool = True) -> None:
    """Put axe into a page, once after each load."""
    await page.evaluate(PREPARE, scripts)
    await page.evaluate(AXE)


async def ask_axe(
    page: Page, width: int, scheme: Scheme, within: Mapping[str, str] | None = None
) -> tuple[Tally, list[str]]:
    """Return what axe, which is in the page, finds at this width in this scheme, all or ``within``."""
    await page.set_viewport_size({"width": width, "height": HEIGHT})
    await page.emulate_media(color_scheme=scheme)
    said: Mapping[str, list[str]] = await page.evaluate(ASK, [TAGS, within])
    lines = [f"{width} {scheme}: {kind}: {line}" for kind in said for line in said[kind]]
    return Tally(1, len(said["violations"]), len(said["incomplete"])), lines


async def ask_axe_everywhere(
    page: Page, *, scripts: bool = True, within: Mapping[str, str] | None = None
) -> tuple[Tally, list[str]]:
    """Return what axe finds in every cell of the grid: at each width, light and dark."""
    await load_axe(page, scripts=scripts)
    tally, found = Tally(), list[str]()
    for width in WIDTHS:
        for scheme in SCHEMES:
            cell, lines = await ask_axe(page, width, scheme, within)
            tally += cell
            found += lines
    return tally, found


async def bear(page: Page) -> list[str]:
    """Return what does not bear a reader's spacing of text at 320 px, or text twice as large at 360."""
    found: list[str] = []
    for name, width, style in (("spaced", WIDTHS[0], SPACING), ("enlarged", WIDTHS[1], ENLARGED)):
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        await page.evaluate(STYLED, style)
        lines = [*await page.evaluate(SIDEWAYS), *await page.evaluate(CLIPPED)]
        await page.evaluate("() => { document.adoptedStyleSheets = []; }")
        found += [f"{name}: {line}" for line in lines]
    return found


class Validator:
    """html-validate in a page of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def faults(self, markup: str) -> list[str]:
        """Return what is wrong with a whole page, or with each part of an answer to htmx."""
        if markup.lstrip().lower().startswith("<!doctype"):
            return await self._ask("wholePage", markup)
        parts = re.findall(r"<hx-partial[^>]*>(.*?)</hx-partial>", markup, re.DOTALL) or [markup]
        return [line for part in parts for line in await self._ask("fragment", part)]

    async def _ask(self, judge: str, markup: str) -> list[str]:
        lines: list[str] = await self.page.evaluate(f"(markup) => {judge}(markup)", markup)
        return lines


RULES = {"require-sri": "off"}  # for scripts of others; ours come from the same server as the page
PRESETS = ["html-validate:standard", "html-validate:a11y"]


@asynccontextmanager
async def open_validator(browser: Browser) -> AsyncIterator[Validator]:
    """Load html-validate into an empty page."""
    page = await browser.new_page()
    await page.evaluate(HTML_VALIDATE)
    for judge, presets in (("wholePage", [*PRESETS, "html-validate:document"]), ("fragment", PRESETS)):
        config = {"extends": presets, "rules": RULES}
        await page.evaluate(f"(config) => {{ window.{judge} = validateHtml(config); }}", config)
    yield Validator(page)
    await page.close()
