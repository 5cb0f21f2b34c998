"""What the framework would stumble over is refused by a page of ours, with every header."""

import pytest
from quart import Quart

from app.main import create_app
from app.settings import Settings
from tests.fuzz.inside import ask
from tests.fuzz.judge import Answer
from tests.fuzz.spoil import Request

HOSTS = {"x" * 300: 400, "a..b": 400, ".": 400, "é": 400, "a b": 400, "[": 400, "a,b": 400, "a/b": 400,
         "a:b": 400, "": 200, "shop.example": 200, "shop.example.": 200, "shop:8000": 200,
         "[::1]:8000": 200}  # fmt: skip
PATHS = {"": 400, "cart": 400, "*": 400, "ftp://shop/livez": 400, "http://shop/livez": 200,
         "http://[/livez": 200, "https://evil.example/livez": 200, "/livez": 200}  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(Settings(secret_key="k", password_pepper="p", redis_url="redis://127.0.0.1:1"))


async def look(app: Quart, path: str, host: str) -> Answer:
    return await ask(app, Request("GET", path, (("Host", host),), b"", "", changes=False))


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_that_is_none_is_refused_by_a_page(app: Quart, host: str) -> None:
    answer = await look(app, "/livez", host)
    assert answer.status == HOSTS[host]
    assert answer.header("content-security-policy")
    assert ("요청을 읽을 수 없습니다" in answer.text) == (answer.status == 400)


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_is_none_is_refused_by_a_page(app: Quart, path: str) -> None:
    answer = await look(app, path, "shop")
    assert answer.status == PATHS[path]
    assert answer.header("content-security-policy")
    assert ("요청을 읽을 수 없습니다" in answer.text) == (answer.status == 400)


async def test_doubled_slashes_lead_nowhere(app: Quart) -> None:
    """They were redirected to the host that the request named, whoever that is."""
    for path in ("//evil.example/", "/products//1", "/orders//lookup"):
        answer = await look(app, path, "evil.example")
        assert answer.status == 404
        assert not answer.header("location")


async def test_a_file_that_is_not_there_is_not_remembered(app: Quart) -> None:
    for path in ("/static/x/css/none.css", "/pictures/nothing.svg"):
        answer = await look(app, path, "shop")
        assert (answer.status, answer.header("cache-control")) == (404, "no-store")
