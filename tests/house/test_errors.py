"""Every failure is answered by a designed page, and for htmx by the notice every page has room for."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from quart import Quart, g

from app.core.errors import ShopError
from app.infra.log import trace
from app.main import create_app
from app.settings import Settings
from app.web import errors
from app.web.csrf import SessionEndedError
from tests.shop import HTMX

ROOT = Path(__file__).parent.parent.parent
SENTENCE = re.compile(r"[가-힣].*(?:니다|시오|세요|까요)\.$")

for path in (ROOT / "app").rglob("*.py"):  # a failure may be defined anywhere
    if path.name != "__main__.py":
        importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        )


def family(kind: type[ShopError]) -> Iterator[type[ShopError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


KINDS = sorted(set(family(ShopError)), key=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(Settings(secret_key="k", password_pepper="p", data_dir="nowhere"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_has_a_title_and_a_sentence_in_korean(kind: type[ShopError]) -> None:
    assert re.search(r"[가-힣]", kind.title)
    assert all(SENTENCE.match(f"{part}.") for part in kind.default_say.rstrip(".").split(". "))
    assert 400 <= kind.status < 600


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_is_a_whole_page_with_a_way_on(app: Quart, kind: type[ShopError]) -> None:
    async with app.test_request_context("/"):
        g.shopper, g.cart_count = None, 0
        trace.set("0badcafe")
        answer = await errors.answer(kind("the reason is for the log"))
        page = await answer.get_data(as_text=True)
    assert answer.status_code == kind.status
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    for part in (kind.title, kind.default_say, "0badcafe", 'href="/"', 'href="/cart"'):
        assert part in page
    assert "the reason is for the log" not in page
    assert ("Retry-After" in answer.headers) == (kind.status in {429, 503})


@pytest.mark.parametrize("kind", KINDS)
async def test_what_may_pass_can_be_opened_again_here_and_nowhere_else(
    app: Quart, kind: type[ShopError]
) -> None:
    for path, here in (
        ("/search?q=%EC%9E%94&x=%22", "/search?q=%EC%9E%94&amp;x=%22"),
        ("//evil.example/", "/evil.example/"),
    ):
        for method in ("GET", "POST"):
            async with app.test_request_context(path, method=method):
                g.shopper, g.cart_count, g.typed = None, 0, []
                page = await (await errors.answer(kind("x"))).get_data(as_text=True)
            may_pass = kind.status in {408, 429} or kind.status >= 500
            assert (f'href="{here}">다시 열기' in page) is (method == "GET" and may_pass)
            assert 'href="//' not in page


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_is_a_notice_for_htmx_so_that_the_page_stays(
    app: Quart, kind: type[ShopError]
) -> None:
    async with app.test_request_context("/", headers=HTMX):
        g.shopper, g.cart_count = None, 0
        answer = await errors.answer(kind("the reason is for the log"))
        piece = await answer.get_data(as_text=True)
    if kind is SessionEndedError:  # no notice can help: the way on is the log-in page
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/login?next=/")
        return
    assert answer.status_code == kind.status
    assert piece.startswith('<hx-partial hx-target="#web-notice"')
    assert kind.default_say in piece
    assert "<html" not in piece
    assert "the reason is for the log" not in piece


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 406, 408, 411, 413, 414, 415, 417, 428, 431, 500, 501]
)
async def test_what_the_framework_refuses_is_a_page_of_ours_too(app: Quart, status: int) -> None:
    from werkzeug.exceptions import default_exceptions

    error = default_exceptions[status]()
    async with app.test_request_context("/"):
        g.shopper, g.cart_count = None, 0
        trace.set("0badcafe")
        answer = await errors.answer(errors._name(error))
        page = await answer.get_data(as_text=True)
    assert 400 <= answer.status_code < 600
    assert (answer.status_code >= 500) == (status >= 500)
    assert "0badcafe" in page
    assert error.name not in page
