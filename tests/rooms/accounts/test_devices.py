"""The list of browsers that are logged in: one's own, each can be logged out, and all at once."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.accounts import sessions
from app.accounts.browsers import name_browser
from app.core import ids
from app.models import sessions as rows
from tests.letters import later, make_stale
from tests.shop import Shop, Visitor
from tests.village import Person, enter, jun, minji

pytestmark = pytest.mark.real_first

PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
WRONG: tuple[dict[str, Any], ...] = ({}, {"password": "틀린 비밀번호"})
NUMBER = re.compile(r"/account/sessions/(\w+)/closure")


async def enter_with(shop: Shop, person: Person, user_agent: str) -> Visitor:
    """Log somebody in, in a browser that says what it is."""
    visitor = shop.visitor()
    form = {"csrf": await visitor.token(), "signup_id": person.signup_id, "password": person.password}
    answer = await visitor.client.post("/login", form=form, headers={"User-Agent": user_agent})
    assert answer.status_code == 303
    return visitor


async def page_of(visitor: Visitor) -> str:
    answer = await visitor.get("/account/sessions")
    assert answer.status_code == 200
    return await answer.get_data(as_text=True)


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/account")).status_code == 200


def token_of(visitor: Visitor) -> str:
    jar = visitor.client.cookie_jar or ()
    return next(cookie.value or "" for cookie in jar if cookie.name == "sid")


async def test_one_sees_ones_own_browsers_and_ends_one(shop: Shop) -> None:
    person = await minji(shop.m)
    here, phone = await enter(shop, person), await enter_with(shop, person, PIXEL)
    other = await enter(shop, await jun(shop.m))
    page = await page_of(here)
    assert "크롬 · 안드로이드" in page
    assert page.count("지금 이 기기") == 1
    assert "마지막 사용" in page
    [number] = NUMBER.findall(page)  # the other one's only: this one has its own way out
    answer = await here.post(f"/account/sessions/{number}/closure")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sessions")
    assert [await is_in(visitor) for visitor in (here, phone, other)] == [True, False, True]
    assert NUMBER.findall(await page_of(here)) == []


async def test_nobody_ends_a_session_of_somebody_else(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    [number] = NUMBER.findall(await page_of(here))
    stranger = await enter(shop, await jun(shop.m))
    for strange in (number, "0" * 16, "x", ids.fingerprint(token_of(there)), token_of(there)):
        assert (await stranger.post(f"/account/sessions/{strange}/closure")).status_code == 404
    assert await is_in(there)
    guest = shop.visitor()
    answer = await guest.post(f"/account/sessions/{number}/closure")
    assert answer.headers["Location"].startswith("/login")
    assert await is_in(there)


async def test_the_page_names_no_session_by_anything_that_opens_it(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    page = await page_of(here)
    for visitor in (here, there):
        token = token_of(visitor)
        assert token not in page
        assert ids.fingerprint(token) not in page


async def test_logging_out_everywhere_ends_this_browser_too(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    answer = await here.post("/account/sessions/closure")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert not await is_in(here)
    assert not await is_in(there)
    async with shop.m.db.read() as tx:
        left = await tx.execute(
            select(rows).where(rows.c.user_id == person.user_id, rows.c.revoked_at.is_(None))
        )
        assert left.all() == []


async def test_a_borrowed_phone_logs_nobody_out_everywhere(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    await make_stale(shop.m, person)
    assert 'name="password"' in await page_of(here)
    for wrong in WRONG:
        answer = await here.post("/account/sessions/closure", **wrong)
        assert answer.status_code == 422
        assert 'id="account-password-error"' in await answer.get_data(as_text=True)
    assert await is_in(there)
    assert (await here.post("/account/sessions/closure", password=person.password)).status_code == 303
    assert not await is_in(there)


async def test_the_day_of_the_last_use_is_noted_once_a_day(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    token = token_of(visitor)
    await sessions.find_shopper(shop.m, token)
    used = [await used_at(shop, token)]
    for days in (0, 3):
        await sessions.find_shopper(later(shop.m, days=days, minutes=2), token)
        used.append(await used_at(shop, token))
    assert (used[1] - used[0]).days == 0
    assert (used[2] - used[0]).days == 3


async def used_at(shop: Shop, token: str) -> datetime:
    async with shop.m.db.read() as tx:
        query = select(rows.c.used_at).where(rows.c.token_hash == ids.fingerprint(token))
        found: datetime = (await tx.execute(query)).scalar_one()
    return found


async def test_a_redis_that_lost_its_memory_revives_no_session_unused_for_weeks(shop: Shop) -> None:
    person = await minji(shop.m)
    token = token_of(await enter(shop, person))
    long_ago = shop.m.clock.now() - timedelta(days=16)
    async with shop.m.db.write() as tx:
        mine = rows.c.token_hash == ids.fingerprint(token)
        await tx.execute(update(rows).where(mine).values(used_at=long_ago, created_at=long_ago))
    await sessions.forget(shop.m, [ids.fingerprint(token)])
    assert await sessions.find_shopper(shop.m, token) is None


async def test_a_session_of_the_release_before_has_no_day_and_works(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    async with shop.m.db.write() as tx:
        await tx.execute(update(rows).where(rows.c.user_id == person.user_id).values(used_at=None))
    await sessions.forget(shop.m, [ids.fingerprint(token_of(visitor))])
    assert "지금 이 기기" in await page_of(visitor)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (PIXEL, "크롬 · 안드로이드"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "사파리 · 아이폰",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) SamsungBrowser/25 Chrome/121 Safari/537",
            "삼성 인터넷 · 안드로이드",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "엣지 · 윈도우"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "파이어폭스 · 리눅스"),
        ("Mozilla/5.0 (iPhone) KAKAOTALK 10.0 Safari", "카카오톡 · 아이폰"),
        ("curl/8", "알 수 없는 브라우저"),
        ("<script>alert(1)</script>", "알 수 없는 브라우저"),
        ("", "알 수 없는 브라우저"),
    ],
)
def test_a_browser_is_called_what_people_call_it(user_agent: str, name: str) -> None:
    assert name_browser(user_agent) == name
