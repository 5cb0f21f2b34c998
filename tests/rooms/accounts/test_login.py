"""Logging in and out, and changing the password."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from quart import Response
from sqlalchemy import update

from app.accounts import service
from app.accounts.attempts import FREE, LONGEST_SECONDS
from app.cart import service as carts
from app.core import ids
from app.core.clock import Clock
from app.core.errors import RedisUnavailableError, TooManyError
from app.infra.redis import Redis
from app.machines import Machines
from app.models import orders
from app.web.addresses import local_path
from tests.goods import mug
from tests.shop import Shop, Visitor
from tests.village import Person, enter, minji, unheard_of_id

WRONG = "틀린 비밀번호입니다"
FRESH = re.compile(r'name="csrf" value="[^"]+"|value="[^"]*"')


class SteppedClock(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = super().now()

    def now(self) -> datetime:
        return self.at

    def step(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def cookie_of(visitor: Visitor, name: str) -> str:
    jar = visitor.client.cookie_jar or ()
    return next((cookie.value or "" for cookie in jar if cookie.name == name), "")


def with_cookie(shop: Shop, name: str, value: str) -> Visitor:
    visitor = shop.visitor()
    visitor.client.set_cookie("localhost", name, value)
    return visitor


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/account")).status_code == 200


async def test_a_member_logs_in_and_sees_the_account(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = shop.visitor()
    answer = await visitor.post("/login", signup_id=f" {person.signup_id.upper()} ", password=person.password)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert person.name in page
    assert "010-1234-5678" in page
    assert "가입일" in page


async def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(shop: Shop) -> None:
    person = await minji(shop.m)
    answer = await shop.visitor().post("/login", signup_id=person.signup_id, password=person.password)
    sid = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("sid="))
    assert "HttpOnly" in sid
    assert "SameSite=Lax" in sid
    assert "Path=/" in sid
    assert "Domain" not in sid
    assert answer.headers["Cache-Control"] == "no-store"


async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(shop: Shop) -> None:
    person = await minji(shop.m)

    async def fail(signup_id: str) -> tuple[int, dict[str, str], str]:
        answer = await shop.visitor().post("/login", signup_id=signup_id, password=WRONG)
        headers = {name: text for name, text in answer.headers.items() if name != "Set-Cookie"}
        page = await answer.get_data(as_text=True)
        return answer.status_code, headers, FRESH.sub("", page)

    known, unknown = await fail(person.signup_id), await fail(unheard_of_id("minji"))
    assert known == unknown
    assert known[0] == 422
    assert "아이디 또는 비밀번호가 맞지 않습니다." in known[2]


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, ["signup_id", "password"]),
        ({"signup_id": "minji"}, ["password"]),
        ({"signup_id": "minji", "password": ["a", "b"]}, ["password"]),
        ({"signup_id": ["a", "b"], "password": "x"}, ["signup_id"]),
        ({"signup_id": "minji", "password": "x" * 5000}, ["password"]),
        ({"signup_id": "가" * 500, "password": "x"}, ["signup_id"]),
        ({"signup_id": "minji\x00", "password": "x"}, ["signup_id"]),
    ],
)
async def test_bad_input_is_said_beside_its_field(
    shop: Shop, form: dict[str, Any], fields: list[str]
) -> None:
    answer = await shop.visitor().post("/login", **form)
    assert answer.status_code == 422
    assert re.findall(r'id="login-(\w+)-error"', await answer.get_data(as_text=True)) == fields


async def test_a_form_of_another_page_logs_nobody_in_or_out(shop: Shop) -> None:
    person = await minji(shop.m)
    answer = await shop.visitor().post(
        "/login", csrf="wrong", signup_id=person.signup_id, password=person.password
    )
    assert answer.status_code == 403
    visitor = await enter(shop, person)
    assert (await visitor.post("/logout", csrf="wrong")).status_code == 403
    assert await is_in(visitor)


async def test_a_session_planted_before_logging_in_is_not_taken_over(shop: Shop) -> None:
    person = await minji(shop.m)
    planted = "A" * 43
    visitor = with_cookie(shop, "sid", planted)
    answer = await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303
    assert cookie_of(visitor, "sid") != planted
    assert not await is_in(with_cookie(shop, "sid", planted))


async def test_logging_in_again_ends_the_session_before(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    first = cookie_of(visitor, "sid")
    await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    assert cookie_of(visitor, "sid") != first
    assert await is_in(visitor)
    assert not await is_in(with_cookie(shop, "sid", first))


async def test_logging_out_ends_the_session_for_whoever_copied_it(shop: Shop) -> None:
    visitor = await enter(shop, await minji(shop.m))
    copied = cookie_of(visitor, "sid")
    answer = await visitor.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert cookie_of(visitor, "sid") == ""
    assert not await is_in(with_cookie(shop, "sid", copied))
    assert (await visitor.post("/logout")).status_code == 303


async def test_a_guest_is_sent_to_log_in_and_back(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = shop.visitor()
    asked = await visitor.get("/account/password")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=/account/password")
    page = await (await visitor.get(asked.headers["Location"])).get_data(as_text=True)
    assert 'name="next" value="/account/password"' in page
    assert 'href="/signup?next=/account/password"' in page
    failed = await visitor.post(
        "/login", signup_id=person.signup_id, password=WRONG, next="/account/password"
    )
    assert 'name="next" value="/account/password"' in await failed.get_data(as_text=True)
    answer = await visitor.post(
        "/login", signup_id=person.signup_id, password=person.password, next="/account/password"
    )
    assert answer.headers["Location"] == "/account/password"


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/\t/evil",
        "javascript:x",
        "x",
        "",
    ],
)
async def test_logging_in_never_leads_to_another_site(shop: Shop, next_: str) -> None:
    person = await minji(shop.m)
    answer = await shop.visitor().post(
        "/login", signup_id=person.signup_id, password=person.password, next=next_
    )
    assert answer.headers["Location"] == "/account"


def test_a_local_path_is_kept_as_it_is_and_fit_for_a_header() -> None:
    assert local_path("/search?q=%EC%B0%BB%EC%9E%94&after=1") == "/search?q=%EC%B0%BB%EC%9E%94&after=1"
    assert local_path("/search?q=찻잔") == "/search?q=%EC%B0%BB%EC%9E%94"
    assert local_path("/a\r\nSet-Cookie: x=y") == ""
    assert local_path("/" + "a" * 3000) == ""


async def test_guessing_gets_slow_for_known_and_unknown_alike_but_locks_nobody_out(shop: Shop) -> None:
    person = await minji(shop.m)
    for away in (False, True):
        clock = SteppedClock()
        clock.at = clock.at.replace(microsecond=900_000)  # a second's wait is one also late in a second
        redis = Redis("redis://127.0.0.1:1") if away else shop.m.redis
        m = replace(shop.m, clock=clock, redis=redis, _kept={})
        for signup_id in (person.signup_id, unheard_of_id("minji")):
            for _ in range(FREE):
                assert await service.log_in(m, signup_id, WRONG) is None
            clock.step(0.2)
            assert await refused_for(m, signup_id) == 1
            for wait in (1, 2, 4, 8, 16, 32, LONGEST_SECONDS, LONGEST_SECONDS):
                assert await refused_for(m, signup_id) == wait
                clock.step(wait)
                assert await service.log_in(m, signup_id, WRONG) is None
        clock.step(LONGEST_SECONDS)
        assert await service.log_in(m, person.signup_id, person.password)
        assert await service.log_in(m, person.signup_id, WRONG) is None


async def refused_for(m: Machines, signup_id: str) -> int:
    with pytest.raises(TooManyError) as refused:
        await service.log_in(m, signup_id, WRONG)
    return refused.value.retry_after


async def test_the_eleventh_guess_gets_a_page_that_says_how_long_to_wait(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = shop.visitor()
    token = await visitor.token()
    for _ in range(FREE):
        await visitor.post("/login", csrf=token, signup_id=person.signup_id, password=WRONG)
    answer = await visitor.post("/login", csrf=token, signup_id=person.signup_id, password=WRONG)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert "1초 후" in await answer.get_data(as_text=True)


async def test_the_guests_cart_is_joined_and_the_guest_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[tuple[str, str]] = []

    async def merge(_m: Machines, guest: str, member: str) -> None:
        joined.append((guest, member))

    monkeypatch.setattr(carts, "merge_guest", merge)
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    assert len(joined) == 1
    assert joined[0][0].startswith("g:")
    assert joined[0][1] == person.owner
    assert cookie_of(visitor, "gid") == ""


async def test_a_cart_that_cannot_be_joined_now_is_joined_at_the_next_log_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    async def merge(_m: Machines, guest: str, _member: str) -> None:
        tried.append(guest)
        if len(tried) == 1:
            raise RedisUnavailableError("away")

    monkeypatch.setattr(carts, "merge_guest", merge)
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    assert cookie_of(visitor, "gid")
    assert await is_in(visitor)
    await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    assert tried == [tried[0]] * 2
    assert cookie_of(visitor, "gid") == ""


async def test_what_a_guest_put_in_the_cart_is_there_after_logging_in(shop: Shop) -> None:
    person, visitor, product = await minji(shop.m), shop.visitor(), await mug(shop.m)
    await visitor.post("/cart/lines", product_id=product, quantity=2, key="a" * 32)
    await visitor.post("/login", signup_id=person.signup_id, password=person.password)
    cart = await carts.view(shop.m, person.owner)
    assert [(line.product_id, line.quantity) for line in cart.lines] == [(product, 2)]


async def test_the_account_shows_the_three_latest_orders(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    placed = [await place_order(shop, visitor, person) for _ in range(4)]
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert re.findall(r'id="orders-summary-([^"]+)"', page) == placed[:0:-1]


async def place_order(shop: Shop, visitor: Visitor, person: Person) -> str:
    """Order a mug, and leave the order unpaid until it expired."""
    await visitor.post("/cart/lines", product_id=await mug(shop.m), quantity=1, key=ids.idempotency_key())
    form: dict[str, Any] = {
        "recipient_name": person.name,
        "recipient_phone": person.phone,
        "postcode": "03187",
        "address1": "서울 종로구 마당길 1",
        "confirmed": "1",
        "seen_total": (await carts.view(shop.m, person.owner)).total_price,
    }
    answer = await visitor.post("/checkout", **form)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    order_no = answer.headers["Location"].split("/")[2]
    async with shop.m.db.write() as tx:
        late = update(orders).where(orders.c.order_no == order_no)
        await tx.execute(late.values(open_slot=None, status="EXPIRED"))
    return order_no


async def change(visitor: Visitor, old: str, new: str) -> Response:
    return await visitor.post("/account/password", password=old, new_password=new)


async def test_a_new_password_ends_every_other_session_and_keeps_this_one(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    before = cookie_of(here, "sid")
    answer = await change(here, person.password, "새로 지은 긴 비밀번호")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert await is_in(here)
    assert not await is_in(there)
    assert not await is_in(with_cookie(shop, "sid", before))
    assert await service.log_in(shop.m, person.signup_id, person.password) is None
    assert await service.log_in(shop.m, person.signup_id, "새로 지은 긴 비밀번호")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (WRONG, "새로 지은 긴 비밀번호", "password"),
        ("", "새로 지은 긴 비밀번호", "password"),
        (None, "짧다", "new_password"),
    ],
)
async def test_without_the_old_password_or_with_a_poor_one_nothing_changes(
    shop: Shop, old: str | None, new: str, field: str
) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    answer = await change(here, person.password if old is None else old, new)
    assert answer.status_code == 422
    assert re.findall(r'id="account-(\w+)-error"', await answer.get_data(as_text=True)) == [field]
    assert await is_in(there)
    assert await service.log_in(shop.m, person.signup_id, person.password)
