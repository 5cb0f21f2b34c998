"""What a phone waits for: requests and bytes of every kind of page, first paint on slow networks, Lighthouse.

./dev bench weight [--runs N] [--minutes M] [--no-lighthouse]. The shop stands behind TLS 1.3 on the embedded
machines; Chromium reaches it over loopback, through tests/shaper.py where a network is named.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from app import seed
from app.infra.migrations import migrate
from app.machines import build_machines
from bench.tls import BARE, make_certificate
from sandbox import children
from tests.journeys.conftest import AS_PEOPLE_HAVE_IT, FLAGS
from tests.journeys.walker import PHONE, add, open_walker, order, pay, sign_up
from tests.shaper import PROFILES, REGULAR_3G, SLOW_4G, Profile, Shaper
from tests.shop import settings_for
from tests.stack import ROOT, embedded

RUNS = 5
MINUTES = 12.0
SECONDS_TO_START = 60
MS_TO_PAINT = 3_000  # after the load
IN_CART = (1, 9, 17)
LIGHTHOUSE = "lighthouse@12.8.2"
CACHE = ROOT / ".cache" / "lighthouse"
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]
SECONDS_A_LIGHTHOUSE = 90
TRUSTING = ["--ignore-certificate-errors"]  # the certificate is made here, for this run
PAGES = {
    "home": "/",
    "list": "/products",
    "product": "/products/1",
    "search": "/search?q=%EB%A8%B8%EA%B7%B8",
    "cart": "/cart",
    "checkout": "/checkout",
    "login": "/login",
    "signup": "/signup",
    "account": "/account",
    "order": "/orders/{order_no}",
    "receipt": "/orders/{order_no}/receipt",
}
STRANGERS = ("login", "signup")
PAINTED = ("home", "list", "product", "cart")
JUDGED = ("home", "list", "product", "cart", "checkout", "login", "receipt")

FAVICON = "/favicon.svg"  # 0.5 kB after the load; people's browsers keep it, a headless one asks every time

WATCH = """
window.seen = { lcp: 0, cls: 0 };
const watch = (type, note) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
watch('largest-contentful-paint', (entry) => { seen.lcp = entry.startTime; });
watch('layout-shift', (entry) => { if (!entry.hadRecentInput) seen.cls += entry.value; });
"""
HAS_PAINTED = "performance.getEntriesByName('first-contentful-paint').length"
SEEN = "({ ...seen, fcp: performance.getEntriesByName('first-contentful-paint')[0].startTime })"
BLOCKING = (
    "performance.getEntriesByType('resource').filter((one) => one.renderBlockingStatus === 'blocking').length"
)
# From the press to the first frame with the new sum, and from the request to it; the rest is the wait for
# further presses.
CHANGE = """
async () => {
  const pressed = performance.now();
  let asked;
  document.addEventListener('htmx:before:request', () => { asked ??= performance.now(); });
  const sum = () => document.querySelector('#cart-totals .total dd').textContent;
  const before = sum();
  document.querySelector('.line [data-step="stepUp"]').click();
  const frame = () => new Promise(requestAnimationFrame);
  do await frame(); while (sum() === before);
  return { request: performance.now() - asked, press: performance.now() - pressed };
}
"""


@dataclass(frozen=True)
class Ground:
    """The shop, and the browser state of a member with a full cart and a paid order."""

    url: str
    order_no: str
    state: Any

    def path(self, page: str) -> str:
        """Return the path of a kind of page."""
        return PAGES[page].format(order_no=self.order_no)

    def state_for(self, page: str) -> Any:
        """Return what the browser that opens a kind of page brings along."""
        return None if page in STRANGERS else self.state


@dataclass
class Load:
    """What the network carried for one page."""

    requests: dict[str, str] = field(default_factory=dict)  # id → kind
    cached: set[str] = field(default_factory=set)
    sizes: dict[str, float] = field(default_factory=dict)
    foreign: int = 0

    def of(self, wanted: Callable[[str], bool]) -> tuple[int, int]:
        """Return how many requests of such kinds went out, and the bytes that came back for them."""
        sent = [one for one, kind in self.requests.items() if one not in self.cached and wanted(kind)]
        return len(sent), round(sum(self.sizes.get(one, 0) for one in sent))


def main(args: list[str]) -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(prog="./dev bench weight", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each thing is measured")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="Lighthouse runs less often after that"
    )
    parser.add_argument("--no-lighthouse", action="store_true")
    options = parser.parse_args(args)
    asyncio.run(measure(options.runs, time.monotonic() + options.minutes * 60, options.no_lighthouse))
    return 0


async def measure(runs: int, deadline: float, without_lighthouse: bool) -> None:  # noqa: FBT001 - from a flag
    """Open a shop, measure, and close it."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; median of {runs}; TLS 1.3, HTTP/2")
    with tempfile.TemporaryDirectory() as folder:
        async with open_browser() as browser, open_ground(Path(folder), browser) as ground:
            documents = await show_weights(browser, ground)
            await show_paints(browser, ground, documents, runs)
            await show_cart_change(browser, ground, runs)
            await show_back(browser, ground)
            if not without_lighthouse:
                await show_lighthouse(ground, runs, deadline)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


@asynccontextmanager
async def open_browser(*flags: str) -> AsyncIterator[Browser]:
    """Start Chromium as people have it, but trusting our certificate."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*FLAGS, *TRUSTING, *flags],
            ignore_default_args=AS_PEOPLE_HAVE_IT,
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def open_ground(folder: Path, browser: Browser) -> AsyncIterator[Ground]:
    """Open a seeded shop behind TLS; let somebody sign up, buy, and fill a cart."""
    make_certificate(folder)
    with embedded(folder) as stack:
        m = build_machines(settings_for(stack, folder))
        await migrate(m.db)
        await seed.seed(m.db, folder / "pictures")
        await m.close()
        port = children.free_port()
        url = f"https://{children.LOOPBACK}:{port}"
        env = os.environ | stack.environment() | {
            "BIND": f"{children.LOOPBACK}:{port}", "PUBLIC_URL": url, "DATA_DIR": str(folder),
            "SECRET_KEY": "a secret of the bench", "PASSWORD_PEPPER": "a pepper of the bench",
            "BCRYPT_COST": "4", "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        log = folder / "web.log"
        child = children.spawn([sys.executable, "-m", "bench.tls", str(folder)], log, env)
        try:
            children.await_ready(child, lambda: children.listens(port), log, SECONDS_TO_START)
            walker = await open_walker(browser, url, stack.toss_api_url)
            await sign_up(walker)
            await add(walker, 1)
            order_no = await order(walker)
            await pay(walker)
            for product_id in IN_CART:
                await add(walker, product_id)
            state = await walker.page.context.storage_state()
            await walker.page.context.close()
            yield Ground(url, order_no, state)
        finally:
            children.stop(child, SECONDS_TO_START)


@asynccontextmanager
async def open_phone(browser: Browser, state: Any) -> AsyncIterator[Page]:
    """Open a window with an empty cache and no connection."""
    size = {"width": PHONE[0], "height": PHONE[1]}
    context: BrowserContext = await browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="ko-KR",
        storage_state=state,
    )
    await context.add_init_script(WATCH)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def listen(page: Page) -> Callable[[], Load]:
    """Note what the network carries; the returned function hands out what it has noted, and begins anew."""
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")
    loads = [Load()]

    def asked(event: Any) -> None:
        address = urlsplit(event["request"]["url"])
        if address.scheme in {"http", "https"} and not address.path.endswith(FAVICON):
            loads[-1].requests[event["requestId"]] = event["type"]
            loads[-1].foreign += address.hostname != children.LOOPBACK

    def answered(event: Any) -> None:
        if event["response"].get("fromDiskCache"):
            loads[-1].cached.add(event["requestId"])

    def finished(event: Any) -> None:
        loads[-1].sizes[event["requestId"]] = event["encodedDataLength"]

    wire.on("Network.requestWillBeSent", asked)
    wire.on("Network.requestServedFromCache", lambda event: loads[-1].cached.add(event["requestId"]))
    wire.on("Network.responseReceived", answered)
    wire.on("Network.loadingFinished", finished)

    def take() -> Load:
        loads.append(Load())
        return loads[-2]

    return take


async def show_weights(browser: Browser, ground: Ground) -> dict[str, int]:
    """Print requests and bytes of every kind of page; return the bytes of each document."""
    rows, documents = [], {}
    for name in PAGES:
        async with open_phone(browser, ground.state_for(name)) as page:
            take = await listen(page)
            await page.goto(ground.url + ground.path(name), wait_until="networkidle")
            cold, blocking = take(), await page.evaluate(BLOCKING)
            await page.goto(ground.url + ground.path(name), wait_until="networkidle")
            warm = take()
        documents[name] = cold.of(lambda kind: kind == "Document")[1]
        cells = [*cold.of(lambda kind: kind != "Image"), documents[name]]
        cells += [cold.of(partial(eq, kind))[1] for kind in ("Script", "Stylesheet")]
        cells += [*cold.of(lambda kind: kind == "Image"), *warm.of(lambda _: True), blocking, cold.foreign]
        rows.append([name, *cells])
    heads = ["", "requests", "bytes", "HTML", "JS", "CSS", "pictures", "bytes", "warm", "bytes"]
    show("Cold without pictures; pictures; warm; with headers", [*heads, "blocking", "foreign"], rows)
    return documents


async def paint(browser: Browser, state: Any, url: str) -> dict[str, float]:
    """Return first and largest paint in ms, and the layout shift, of one page opened cold."""
    while True:
        async with open_phone(browser, state) as page:
            await page.goto(url, wait_until="load")
            with suppress(PlaywrightTimeoutError):  # a headless browser draws no frame now and then
                await page.wait_for_function(HAS_PAINTED, polling=100, timeout=MS_TO_PAINT)
                seen: dict[str, float] = await page.evaluate(SEEN)
                return seen


async def show_paints(browser: Browser, ground: Ground, documents: dict[str, int], runs: int) -> None:
    """Print first paints on three networks beside a bare page's and the floor."""
    rows = []
    async with open_browser("--disable-http2") as older:
        for profile in PROFILES:
            found: dict[tuple[str, str], list[dict[str, float]]] = {}
            for _ in range(runs):
                for name in PAINTED:
                    with Shaper(ground.url, profile) as shaper:
                        ways = {
                            "shop": (browser, f"{shaper.url}{ground.path(name)}"),
                            "bare": (browser, f"{shaper.url}{BARE}{documents[name]}"),
                        }
                        if name == "product":
                            ways["HTTP/1.1"] = (older, ways["shop"][1])
                        for way, (by, url) in ways.items():
                            seen = await paint(by, ground.state, url)
                            found.setdefault((name, way), []).append(seen)
            rows += [paint_row(profile, name, documents[name], found) for name in PAINTED]
    heads = ["", "", "FCP", "bare page", "floor", "over it", "LCP", "CLS", "FCP on HTTP/1.1"]
    show(
        "First visit, milliseconds; floor: TCP, TLS and question, a round trip each, then the HTML",
        heads,
        rows,
    )


def paint_row(
    profile: Profile, name: str, size: int, found: dict[tuple[str, str], list[dict[str, float]]]
) -> list[Any]:
    """Return the medians of a kind of page on one network."""
    floor = profile.floor(size, 3) * 1000
    shop = found[name, "shop"]
    fcp = median(one["fcp"] for one in shop)
    older = found.get((name, "HTTP/1.1"))
    return [
        profile.name, name, round(fcp), round(median(one["fcp"] for one in found[name, "bare"])),
        round(floor), f"+{round(fcp - floor)}", round(median(one["lcp"] for one in shop)),
        f"{max(one['cls'] for one in shop):.3f}", round(median(one["fcp"] for one in older)) if older else "",
    ]  # fmt: skip


async def show_cart_change(browser: Browser, ground: Ground, runs: int) -> None:
    """Print what pressing + in the cart costs on slow 4G."""
    waits, loads = [], []
    with Shaper(ground.url, SLOW_4G) as shaper:
        async with open_phone(browser, ground.state) as page:
            await page.goto(shaper.url + ground.path("cart"), wait_until="networkidle")
            take = await listen(page)
            for _ in range(runs):
                waits.append(await page.evaluate(CHANGE))
                await page.wait_for_load_state("networkidle")
                loads.append(take().of(lambda _: True))
    rows = [
        [
            max(count for count, _ in loads),
            round(median(size for _, size in loads)),
            round(median(one["request"] for one in waits)),
            round(SLOW_4G.round_trip * 1000),
            round(median(one["press"] for one in waits)),
        ]
    ]
    heads = ["requests", "bytes answered", "ms from request to frame", "round trip", "ms from press"]
    show("One more of something in the cart, slow 4G", heads, rows)


async def show_back(browser: Browser, ground: Ground) -> None:
    """Print what Back from a product to the list costs."""
    async with open_phone(browser, ground.state) as page:
        await page.goto(ground.url + ground.path("list"), wait_until="networkidle")
        await page.locator(".card").nth(15).scroll_into_view_if_needed()
        place = await page.evaluate("scrollY")
        await page.locator(".card a").nth(15).click()
        await page.wait_for_url("**/products/*")
        await page.wait_for_load_state("networkidle")
        take = await listen(page)
        await page.go_back(wait_until="commit")
        await page.wait_for_function("document.querySelectorAll('.card').length")
        await page.wait_for_load_state("networkidle")
        kept = abs(await page.evaluate("scrollY") - place) < 2  # noqa: PLR2004 - pixels
        show(
            "Back from a product to the list",
            ["requests", "scroll kept"],
            [[take().of(lambda _: True)[0], kept]],
        )


async def show_lighthouse(ground: Ground, runs: int, deadline: float) -> None:
    """Print Lighthouse's scores, if Node is here."""
    entry = install_lighthouse()
    if entry is None:
        print("\nLighthouse needs Node 18 or later with npm: on Debian, apt-get install nodejs npm.")
        return
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    script = str(Path(__file__).with_name("lighthouse.mjs"))
    flags = json.dumps(["--headless", *FLAGS, *TRUSTING])
    env = os.environ | {"CHROME_PATH": shutil.which("chromium") or "", "CHROME_FLAGS": flags}
    process = await asyncio.create_subprocess_exec(
        "node", script, str(entry), env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin  # noqa: S101 - it was asked for
    assert process.stdout  # noqa: S101 - as above
    try:
        for question in questions(ground, runs):
            if time.monotonic() > deadline:
                break
            process.stdin.write(json.dumps(question).encode() + b"\n")
            line = await asyncio.wait_for(process.stdout.readline(), SECONDS_A_LIGHTHOUSE)
            if not line:
                raise RuntimeError("Lighthouse ended early.")
            answer = json.loads(line)
            found.setdefault((answer["page"], answer["profile"]), []).append(answer)
    finally:
        process.stdin.close()
        await process.wait()
    rows = [judged_row(page, profile, answers) for (page, profile), answers in sorted(found.items())]
    heads = ["", "", "runs", "perf", "a11y", "best", "SEO", "FCP", "LCP", "TBT", "CLS", "what failed"]
    show(f"{LIGHTHOUSE}, mobile, simulated network, CPU / 4; medians", heads, rows)


def install_lighthouse() -> Path | None:
    """Return the folder Lighthouse is installed in; None without Node."""
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    if not (CACHE / "node_modules" / "lighthouse").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(CACHE), "--ignore-scripts", "--no-audit", "--no-fund"]
        if subprocess.call([*command, "--silent", LIGHTHOUSE], cwd=CACHE) != 0:  # noqa: S603 - our own list
            return None
    return CACHE


def questions(ground: Ground, runs: int) -> Iterable[dict[str, Any]]:
    """What Lighthouse is asked, by turns: what does not change from run to run, only once."""
    cookies = [{"name": one["name"], "value": one["value"]} for one in ground.state["cookies"]]
    for run in range(runs):
        for profile in (SLOW_4G, REGULAR_3G):
            for page in JUDGED:
                yield {
                    "page": page,
                    "url": ground.url + ground.path(page),
                    "cookies": [] if page in STRANGERS else cookies,
                    "profile": profile.name,
                    "throttling": throttling(profile),
                    "categories": CATEGORIES if run == 0 and profile is SLOW_4G else CATEGORIES[:1],
                }


def throttling(profile: Profile) -> dict[str, float]:
    """Return a profile as Lighthouse's simulation wants it."""
    return {
        "rttMs": profile.round_trip * 1000,
        "throughputKbps": profile.down / 1000,
        "cpuSlowdownMultiplier": 4,
        "requestLatencyMs": 0,
        "downloadThroughputKbps": 0,
        "uploadThroughputKbps": 0,
    }


def judged_row(page: str, profile: str, answers: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the medians of one page on one network."""
    first, failed = answers[0]["scores"], answers[0]["failed"]
    errors = sorted({one["error"] for one in answers} - {""})
    answers = [one for one in answers if not one["error"]] or answers
    figures = [round(median(one[name] or 0 for one in answers)) for name in ("fcp", "lcp", "tbt")]
    return [
        page, profile, len(answers), round(median(one["scores"].get("performance") or 0 for one in answers)),
        *(first.get(name, "") for name in CATEGORIES[1:]), *figures,
        f"{median(one['cls'] or 0 for one in answers):.3f}",
        ", ".join([*errors, *failed]),
    ]  # fmt: skip


def median(values: Iterable[float]) -> float:
    """Return the middle one."""
    return statistics.median(list(values))


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    table = [
        list(heads),
        *([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows),
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    print(f"\n{title}")
    for row in table:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    sys.stdout.flush()
