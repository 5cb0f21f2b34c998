"""Session tokens and passwords stay where they belong: in the cookie and under the hash."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import inspect, select

from app.accounts.rules import LEAST, MOST_TYPED
from app.core import ids
from app.main import create_app
from app.models import metadata, sessions
from tests.letters import listen_closely, make_stale
from tests.shop import Shop
from tests.village import enter, minji, typed

ROOT = Path(__file__).parent.parent.parent.parent
PAGES = ("/", "/account", "/account/sessions", "/account/email", "/account/password", "/cart", "/orders")
FORMS = {
    "/signup": {"password": "new-password", "email": "email", "signup_id": "username", "name": "name"},
    "/login": {"password": "current-password", "signup_id": "username"},
    "/account/password": {"password": "current-password", "new_password": "new-password"},
    "/account/email": {"password": "current-password", "email": "email"},
    "/account/closure": {"password": "current-password"},
    "/account/sessions": {"password": "current-password"},
}


async def test_over_tls_the_cookie_is_a_host_cookie(shop: Shop) -> None:
    person = await minji(shop.m)
    settings = replace(shop.m.settings, public_url="https://shop.example")
    client = create_app(settings, replace(shop.m, settings=settings)).test_client()
    page = await (await client.get("/login", scheme="https")).get_data(as_text=True)
    token = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    form = {"csrf": token, "signup_id": person.signup_id, "password": person.password}
    answer = await client.post("/login", form=form, scheme="https")
    assert answer.status_code == 303
    cookies = [line for line in answer.headers.getlist("Set-Cookie") if "sid=" in line]
    [name, *attributes] = re.split("; ?|=", cookies[0])
    assert name == "__Host-sid"
    assert {"Secure", "HttpOnly", "Lax"} <= set(attributes)
    assert "Path=/" in cookies[0]
    assert "Domain" not in cookies[0]
    assert answer.headers["Strict-Transport-Security"]


async def test_a_session_token_has_256_bits_and_none_is_like_another(shop: Shop) -> None:
    person = await minji(shop.m)
    tokens = set()
    for _ in range(10):
        visitor = await enter(shop, person)
        jar = visitor.client.cookie_jar or ()
        tokens.add(next(cookie.value for cookie in jar if cookie.name == "sid"))
    assert len(tokens) == 10
    assert all(token and len(token) == 43 for token in tokens)  # 43 characters of base64 are 256 bits
    async with shop.m.db.read() as tx:
        kept = (
            await tx.execute(select(sessions.c.token_hash).where(sessions.c.user_id == person.user_id))
        ).scalars()
        assert set(kept) == {ids.fingerprint(str(token)) for token in tokens}


async def test_the_session_is_in_no_address_no_page_and_no_log(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    listen_closely(caplog)
    person = await minji(shop.m)
    visitor = shop.visitor()
    answers = [await visitor.post("/login", signup_id=person.signup_id, password=person.password)]
    jar = visitor.client.cookie_jar or ()
    token = next(cookie.value or "" for cookie in jar if cookie.name == "sid")
    answers += [await visitor.get(path) for path in PAGES]
    answers += [await visitor.get("/nowhere"), await visitor.post("/logout", csrf="wrong")]
    for answer in answers:
        assert token not in await answer.get_data(as_text=True)
        assert token not in answer.headers.get("Location", "")
        assert answer.headers["Referrer-Policy"] == "same-origin"
    for secret in (token, ids.fingerprint(token), person.password, person.phone):
        assert secret not in caplog.text


@pytest.mark.parametrize("path", FORMS)
async def test_password_keepers_are_welcome(shop: Shop, path: str) -> None:
    """Every field says what it is for, takes a thousand characters, and nobody is kept from pasting."""
    person = await minji(shop.m)
    visitor = shop.visitor() if path in {"/signup", "/login"} else await enter(shop, person)
    await make_stale(shop.m, person)
    inputs = Inputs()
    inputs.feed(await (await visitor.get(path)).get_data(as_text=True))
    for name, purpose in FORMS[path].items():
        assert inputs.found[name]["autocomplete"] == purpose
    for name in {"password", "new_password"} & set(inputs.found):
        assert inputs.found[name]["maxlength"] == "1000"
        assert inputs.found[name]["type"] == "password"
    scripts = "".join(file.read_text() for file in (ROOT / "app/static/js").glob("*.js"))
    assert "paste" not in scripts


class Inputs(HTMLParser):
    """Collects the attributes of a page's inputs by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "input" and told.get("name"):
            self.found.setdefault(told["name"] or "", told)


@pytest.mark.parametrize("length", [1001, MOST_TYPED + 1, 6_000])
async def test_what_is_too_long_is_refused_before_it_is_hashed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)

    def refuse(*_: object) -> bytes:
        raise AssertionError("hashed")

    monkeypatch.setattr(bcrypt, "hashpw", refuse)
    answer = await shop.visitor().post("/signup", **typed(password="달" * length))
    assert answer.status_code == 422
    monkeypatch.setattr(bcrypt, "checkpw", refuse)
    if length > MOST_TYPED:  # shorter ones may be decomposed Hangul of an allowed length
        form: dict[str, Any] = {"signup_id": person.signup_id, "password": "달" * length}
        assert (await shop.visitor().post("/login", **form)).status_code == 422
    form = {"password": person.password, "new_password": "달" * length}
    assert (await visitor.post("/account/password", **form)).status_code == 422


def test_the_least_length_and_the_list_of_known_ones_are_what_we_say() -> None:
    """Eight characters are allowed with a list of known passwords only."""
    assert LEAST == 8
    page = (ROOT / "app/templates/accounts/signup.html").read_text()
    assert f"{LEAST}자 이상이면 됩니다" in page


async def test_the_pepper_is_in_no_table(shop: Shop) -> None:
    pepper = shop.m.settings.password_pepper
    await minji(shop.m)
    async with shop.m.db.read() as tx:
        tables = await tx.conn.run_sync(lambda conn: inspect(conn).get_table_names())
        assert {"users", "sessions", "outbox"} <= set(tables)
        for table in metadata.sorted_tables:
            assert pepper not in str((await tx.execute(select(table))).all())
