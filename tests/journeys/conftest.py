"""A seeded shop of real processes on machines of its own, and browsers in front of it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from app import seed
from app.machines import Machines, build_machines
from sandbox.toss.config import Config
from tests.journeys.sound import Validator, open_validator
from tests.journeys.walker import PHONE, Walker, open_walker
from tests.processes import RunningShop, serving
from tests.shop import settings_for
from tests.stack import STACKS, Stack
from tests.toss_stand import Stand

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Playwright switches off what makes Back instant for people.
AS_PEOPLE_HAVE_IT = ["--disable-back-forward-cache"]

Enter = Callable[..., Awaitable[Walker]]


@pytest.fixture(scope="package", params=STACKS, ids=list(STACKS))
def grounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Machines of this package alone."""
    with STACKS[request.param](tmp_path_factory.mktemp(f"grounds-{request.param}")) as stack:
        yield stack


@pytest.fixture(scope="package")
def folder(grounds: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(f"shop-{grounds.name}")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def running(grounds: Stack, folder: Path) -> AsyncIterator[RunningShop]:
    async with serving(grounds, folder) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def m(running: RunningShop, folder: Path) -> AsyncIterator[Machines]:
    """The same machines seen from outside: to fill the shelves and to read the books."""
    m = build_machines(settings_for(running.stack, folder))
    await seed.seed(m.db, folder / "data" / "pictures")
    yield m
    await m.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def toss(running: RunningShop) -> AsyncIterator[Stand]:
    url = running.stack.toss_api_url
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        await http.post("/sandbox/webhook-url", json={"url": f"{running.url}/payments/toss/webhook"})
        yield Stand(url, Config(), http)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=FLAGS, ignore_default_args=AS_PEOPLE_HAVE_IT
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def validator(chromium: Browser) -> AsyncIterator[Validator]:
    async with open_validator(chromium) as validator:
        yield validator


@pytest_asyncio.fixture(loop_scope="session")
async def enter(chromium: Browser, running: RunningShop, m: Machines, toss: Stand) -> AsyncIterator[Enter]:
    """Let somebody in, in a browser of their own; when the test ends, no browser may have complained."""
    walkers: list[Walker] = []

    async def let_in(size: tuple[int, int] = PHONE, *, scripts: bool = True, url: str = "") -> Walker:
        opened = await open_walker(chromium, url or running.url, toss.url, size=size, scripts=scripts)
        walkers.append(opened)
        return walkers[-1]

    yield let_in
    for walker in walkers:
        await walker.page.context.close()
    assert [line for walker in walkers for line in walker.unforgiven] == []
