"""What a stranger is shown by accident, and what whoever watches is told of it."""

import logging
import re

import pytest

from tests.goods import mug
from tests.shop import HTMX, Shop
from tests.stack import ROOT
from tests.village import minji

pytestmark = pytest.mark.real_first

TEMPLATES = ROOT / "app/templates"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PUT", "PATCH", "DELETE"])
async def test_a_method_nobody_uses_is_refused_and_repeats_nothing(shop: Shop, method: str) -> None:
    client = shop.visitor().client
    for url in ("/", "/cart", "/login", "/cart/lines", "/static/x"):
        answer = await client.open(url, method=method, headers={"X-Canary": "dae5f2"})  # type: ignore[call-arg]
        assert answer.status_code in {404, 405, 501}, url
        assert "dae5f2" not in await answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "url",
    [
        "/static/",
        "/static/css/",
        "/pictures/",
        "/.git/config",
        "/.env",
        "/app/settings.py",
        "/static/..%2fapp/settings.py",
        "/static/../../app/settings.py",
        "/pictures/..%2f..%2fetc%2fpasswd",
        "/docs",
        "/openapi.json",
        "/console",
    ],
)
async def test_folders_and_files_of_the_machine_are_not_there(shop: Shop, url: str) -> None:
    answer = await shop.visitor().get(url)
    assert answer.status_code == 404
    assert (await answer.get_data(as_text=True)).startswith("<!doctype html>")


async def test_the_counters_are_for_this_machine_or_for_who_has_the_token(shop: Shop) -> None:
    """Without a token set: from this machine only."""
    far = await shop.app.test_client().get("/metrics", scope_base={"client": ("203.0.113.9", 4711)})
    assert far.status_code == 404
    near = await shop.app.test_client().get("/metrics", scope_base={"client": ("127.0.0.1", 4711)})
    assert near.status_code == 200


@pytest.mark.parametrize("url", ["/", "/products", "/cart", "/login", "/nowhere", "/livez", "/readyz"])
async def test_an_answer_says_what_it_is_and_in_which_letters(shop: Shop, url: str) -> None:
    answer = await shop.visitor().get(url)
    kind = answer.headers["Content-Type"]
    assert re.fullmatch(r"text/(html|plain); charset=utf-8|application/json", kind), kind


async def test_saying_that_one_is_htmx_opens_nothing(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m)
    form = {"product_id": product, "quantity": 1, "key": ""}
    assert (await guest.client.post("/cart/lines", form=form, headers=HTMX)).status_code == 403
    token = await shop.visitor().token()
    answer = await guest.client.post("/cart/lines", form=form, headers={**HTMX, "X-CSRF-Token": token})
    assert answer.status_code == 403
    assert "변경된 내용은 없습니다" in await answer.get_data(as_text=True)
    own = {**HTMX, "X-CSRF-Token": await guest.token()}
    assert (await guest.client.post("/cart/lines", form=form, headers=own)).status_code == 200


async def test_every_log_in_and_every_refusal_leaves_a_line_that_names_nobody(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    person, visitor = await minji(shop.m), shop.visitor()
    caplog.set_level(logging.INFO)
    await visitor.post("/login", signup_id=person.signup_id, password="틀린 비밀번호")
    await visitor.post("/login", signup_id="nobody_here", password="틀린 비밀번호")
    await visitor.post("/cart/lines", csrf="forged", product_id=1, quantity=1, key="")
    await visitor.get("/orders/20200101-NOBODY1")
    await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    said = [
        record.getMessage()
        for record in caplog.records
        if record.name in {"app.accounts.service", "app.web.errors"}
    ]
    assert [line.split(":")[0] for line in said] == [
        "log-in refused",
        "log-in refused",
        "answered 403",
        "answered 404",
        f"log-in of user {person.user_id}",
    ]
    assert not re.search(f"{person.signup_id}|nobody_here|비밀번호", "".join(said))


FIELD = re.compile(r"\{\{ field\((?:[^{}]|\{[^{}]*\})*\) \}\}|<input\b[^>]*>")
PASSWORDS = [
    (path.relative_to(TEMPLATES), field)
    for path in sorted(TEMPLATES.rglob("*.html"))
    for field in FIELD.findall(path.read_text())
    if re.search(r"\"(?:\w+_)?password\"", field)
]


def test_there_are_fields_for_passwords() -> None:
    assert {str(path) for path, _ in PASSWORDS} >= {
        "accounts/login.html",
        "accounts/signup.html",
        "accounts/password.html",
    }


@pytest.mark.parametrize(("path", "field"), PASSWORDS, ids=lambda part: str(part)[:40])
def test_a_password_is_masked_and_a_password_manager_may_fill_it_in(path: str, field: str) -> None:
    """Nothing keeps anybody from pasting: no script of ours hears of it."""
    assert re.search(r"\"?type\"?[:=] ?\"password\"", field), path
    assert re.search(r"\"?autocomplete\"?[:=] ?\"(current|new)-password\"", field), path
    assert "paste" not in "".join(script.read_text() for script in (ROOT / "app/static/js").glob("*.js"))
