"""Every door says who may come in, and how often."""

from collections.abc import Iterator

import pytest
from quart import Quart

from app.infra import keys
from app.main import create_app
from app.settings import Settings
from app.web import limits
from app.web.guards import UNSAFE, Door
from app.web.limits import Limit

LIMITS = [one for one in vars(limits).values() if isinstance(one, Limit)]
# Doors where the limit of all pages or all forms is not enough; what they have instead, or besides.
SPECIAL = {
    "static.show_file": limits.FILES,
    "static.show_picture": limits.FILES,
    "search.show_results": limits.SEARCH,
    "search.show_suggestions": limits.SUGGESTIONS,
    "checkout.place_order": limits.CHECKOUT,
    "payments.receive_webhook": limits.WEBHOOK,
    "payments.show_takeover": limits.HANDOVER,
    "payments.take_over": limits.HANDOVER,
    "orders.look_up": limits.LOOK_UP,
    "ops.receive_violations": limits.REPORTS,
    "accounts.sign_up": limits.SIGN_UP,
    "accounts.show_availability": limits.AVAILABILITY,
    "accounts.log_in": limits.LOG_IN,
    "accounts.end_sessions": limits.LOG_IN,
    "closure.close_account": limits.LOG_IN,
    "links.ask_email": limits.LOG_IN,
    "links.ask_reset": limits.RESET,
    "links.reset_password": limits.NEW_PASSWORD,
    "operators.log_in": limits.LOG_IN,
    "accounts.change_password": limits.LOG_IN,
}


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


def test_every_route_says_how_often_it_may_be_used(app: Quart) -> None:
    """All are counted before a machine is asked; what could be guessed at or filled up is counted besides."""
    for url, methods, door in doors(app):
        assert door, url
        for method in methods:
            early = door.early_limit(method)
            assert not early.shared, url
            assert 0 < early.rate.times / early.rate.seconds <= 100, url
    own = {
        endpoint: door.own_limit
        for endpoint, view in app.view_functions.items()
        if (door := getattr(view, "door", None)) and door.own_limit
    }
    assert own == SPECIAL


def test_a_limit_has_a_name_of_its_own_and_its_key_ends_when_it_says() -> None:
    assert len({one.name for one in LIMITS}) == len(LIMITS)
    for one in LIMITS:
        rates = [one.rate, *([one.field_rate] if one.field_rate else [])]
        assert all(rate.holds_ms <= keys.LIMIT_SECONDS * 1000 for rate in rates), one
        assert bool(one.field) == bool(one.field_rate), one


def test_what_is_narrow_is_narrow_for_an_account_or_an_order_because_phones_share_addresses() -> None:
    for one in LIMITS:
        assert one.rate.times >= 60, one
        assert one.field_rate is None or one.field_rate.times < one.rate.times, one


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
