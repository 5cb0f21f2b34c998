"""Every failure's page and every partial in all its states: valid HTML in both languages, sound to axe."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Route
from quart import Quart, g

from app.admin.gallery.samples import SAMPLES
from app.core import languages
from app.core.errors import ShopError
from app.infra.log import trace
from app.main import create_app
from app.settings import Settings
from app.web import errors, render
from tests.house.test_errors import KINDS
from tests.journeys import sound, vnu
from tests.journeys.conftest import Enter
from tests.journeys.sound import Tally, Validator

REASON = "the reason is for the log"
STILL_ASKED = [("name", "김민지"), ("phone", "01012345678")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app() -> AsyncIterator[Quart]:
    yield create_app(Settings(secret_key="k", password_pepper="p", data_dir="nowhere"))


async def answer(text: str, route: Route) -> None:
    await route.fulfill(body=text, content_type="text/html; charset=utf-8")


async def page_of(app: Quart, kind: type[ShopError], language: str) -> str:
    """Draw the page of a failure, with a form that can be sent again."""
    async with app.test_request_context("/"):
        g.shopper, g.cart_count, g.typed = None, 0, STILL_ASKED
        trace.set("0badcafe")
        languages.speak(language)
        return await (await errors.answer(kind(REASON))).get_data(as_text=True)


@pytest.mark.parametrize("language", languages.NAMES)
async def test_every_partial_in_every_state_is_valid(app: Quart, validator: Validator, language: str) -> None:
    found: list[str] = []
    async with app.test_request_context("/"):
        g.shopper, g.cart_count = None, 0
        languages.speak(language)
        for name, states in SAMPLES.items():
            for state, what in states.items():
                faults = await validator.faults(render.draw(name, **what))
                found += [f"{name}, {state}: {line}" for line in faults]
    assert found == []


@pytest.mark.parametrize("language", languages.NAMES)
async def test_every_failure_s_page_is_valid(app: Quart, validator: Validator, language: str) -> None:
    found = [
        f"{kind.__name__}: {line}"
        for kind in KINDS
        for line in await validator.faults(await page_of(app, kind, language))
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("language", languages.NAMES)
async def test_vnu_finds_nothing_in_any_partial_nor_on_any_failure_s_page(app: Quart, language: str) -> None:
    drawn: dict[str, str] = {}
    async with app.test_request_context("/"):
        g.shopper, g.cart_count = None, 0
        languages.speak(language)
        for name, states in SAMPLES.items():
            drawn |= {f"{name}, {state}": render.draw(name, **what) for state, what in states.items()}
    drawn |= {kind.__name__: await page_of(app, kind, language) for kind in KINDS}
    assert await vnu.faults(drawn, language) == []


@pytest.mark.slow
@pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_axe_finds_nothing_on_any_failure_s_page(app: Quart, enter: Enter, *, scripts: bool) -> None:
    walker = await enter(scripts=scripts)
    tally, found = Tally(), list[str]()
    for kind in KINDS:
        text = await page_of(app, kind, languages.SOURCE)
        await walker.page.route("**/failed", partial(answer, text))
        await walker.go("/failed")
        seen, lines = await sound.ask_axe_everywhere(walker.page, scripts=scripts)
        tally += seen
        found += [f"{kind.__name__}: {line}" for line in lines]
        await walker.page.unroute("**/failed")
    print(f"\nfailures' pages: {tally}")  # noqa: T201
    assert found == []
