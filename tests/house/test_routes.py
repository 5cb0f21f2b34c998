"""Every door says who may come in."""

from collections.abc import Iterator

import pytest
from quart import Quart

from app.main import create_app
from app.settings import Settings
from app.web.guards import UNSAFE, Door


@pytest.fixture(scope="module")
def app() -> Quart:
    return create_app(
        Settings(
            secret_key="k",
            password_pepper="p",
            redis_url="redis://127.0.0.1:1",
            amqp_url="amqp://127.0.0.1:1",
        )
    )


def doors(app: Quart) -> Iterator[tuple[str, set[str], Door | None]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        yield str(rule), set(rule.methods or ()), getattr(view, "door", None)


def test_every_route_says_who_may_come_in(app: Quart) -> None:
    assert [url for url, _, door in doors(app) if door is None] == []


def test_every_change_asks_for_the_form_token_or_comes_from_outside(app: Quart) -> None:
    open_doors = [
        url for url, methods, door in doors(app) if methods & set(UNSAFE) and door and not door.csrf
    ]
    assert open_doors == ["/payments/toss/webhook", "/csp-reports"]


def test_changes_are_posts_so_that_forms_work_without_scripts(app: Quart) -> None:
    assert [url for url, methods, _ in doors(app) if methods & {"PUT", "PATCH", "DELETE"}] == []


def test_urls_are_plain(app: Quart) -> None:
    for url, _, _ in doors(app):
        assert url == "/" or not url.endswith("/"), url
        assert "_" not in url.split("<")[0], url


def test_endpoints_are_room_dot_verb_noun(app: Quart) -> None:
    for rule in app.url_map.iter_rules():
        room, _, name = rule.endpoint.partition(".")
        assert room, rule
        assert name, rule
