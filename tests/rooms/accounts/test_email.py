"""The member's e-mail address: confirmed by its owner and the member in one, changed only by the member."""

import re
from typing import Any

import pytest
from quart import Response
from sqlalchemy import select

from app.accounts import service
from app.accounts.links import service as links
from app.core import ids
from app.models import users
from tests.letters import give_email, later, letter, letters_to, link_in, make_stale, text_of
from tests.shop import Shop, Visitor
from tests.village import Person, enter, jun, minji, typed

pytestmark = pytest.mark.real_first

WRONG: tuple[dict[str, Any], ...] = ({}, {"password": ""}, {"password": "틀린 비밀번호"})
FRESH = re.compile(r'value="[^"]*"')


def unheard_of_email() -> str:
    return f"{ids.idempotency_key()}@example.com"


async def email_of(shop: Shop, person: Person) -> tuple[str | None, bool]:
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(users).where(users.c.user_id == person.user_id))).one()
    return row.email, row.email_confirmed_at is not None


async def ask(shop: Shop, visitor: Visitor, email: str, **form: Any) -> str:
    """Have a link sent and take it out of the mailbox."""
    answer = await visitor.post("/account/email", email=email, **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/email/sent")
    assert (await visitor.get("/account/email/sent")).status_code == 200
    return link_in(await letter(shop, email, "이메일 주소를 확인"))


async def test_who_signs_up_confirms_the_address_by_mail(shop: Shop) -> None:
    visitor, email = shop.visitor(), unheard_of_email()
    assert (await visitor.post("/signup", **typed(email=email))).status_code == 303
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert email in page
    assert "확인 전" in page
    url = link_in(await letter(shop, email, "이메일 주소를 확인"))
    asked = await visitor.get(url)
    assert asked.headers["Referrer-Policy"] == "no-referrer"
    assert email in await asked.get_data(as_text=True)
    assert "확인 전" in await (await visitor.get("/account")).get_data(
        as_text=True
    )  # looking is not confirming
    answer = await visitor.post(url)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/email")
    assert "확인 전" not in await (await visitor.get("/account")).get_data(as_text=True)
    assert (await visitor.post(url)).status_code == 404


async def test_signing_up_with_an_address_somebody_has_looks_the_same(shop: Shop) -> None:
    """Same status, headers and page; nothing tells that there is an account already."""
    known = await give_email(shop.m, await minji(shop.m))

    async def sign_up(email: str) -> tuple[int, dict[str, str], str, str]:
        visitor = shop.visitor()
        answer = await visitor.post("/signup", **typed(email=email))
        headers = {name: text for name, text in answer.headers.items() if name != "Set-Cookie"}
        account = await (await visitor.get("/account")).get_data(as_text=True)
        shown = re.sub(r"min_\w+|[\w.]+@example\.com", "", FRESH.sub("", account))
        return answer.status_code, headers, await answer.get_data(as_text=True), shown

    first, second = await sign_up(known), await sign_up(unheard_of_email())
    assert first == second
    assert first[0] == 303
    assert link_in(await letter(shop, known, "이메일 주소를 확인"))


async def test_a_new_address_counts_when_its_link_was_opened_and_the_old_one_is_told(shop: Shop) -> None:
    person = await minji(shop.m)
    old, new = await give_email(shop.m, person), unheard_of_email()
    visitor = await enter(shop, person)
    url = await ask(shop, visitor, new)
    assert await email_of(shop, person) == (old, True)
    assert (await visitor.post(url)).status_code == 303
    assert await email_of(shop, person) == (new, True)
    told = text_of(await letter(shop, old, "이메일 주소가 바뀌었습니다"))
    assert person.signup_id in told
    assert new not in told


async def test_a_link_to_the_address_before_resets_nothing_any_more(shop: Shop) -> None:
    person = await minji(shop.m)
    old = await give_email(shop.m, person)
    await shop.visitor().post("/password-reset", email=old)
    stolen = link_in(await letter(shop, old, "새로 정하는 링크"))
    visitor = await enter(shop, person)
    await visitor.post(await ask(shop, visitor, unheard_of_email()))
    assert (await shop.visitor().get(stolen)).status_code == 404


async def test_a_mistyped_address_gives_its_owner_nothing(shop: Shop) -> None:
    person, other = await minji(shop.m), await jun(shop.m)
    url = await ask(shop, await enter(shop, person), unheard_of_email())
    guest = shop.visitor()
    asked = await guest.get(url)
    assert (asked.status_code, asked.headers["Location"]) == (303, f"/login?next={url}")
    assert (await guest.post(url)).headers["Location"].startswith("/login")
    stranger = await enter(shop, other)
    assert (await stranger.get(url)).status_code == 404
    assert (await stranger.post(url)).status_code == 404
    assert await email_of(shop, person) == (None, False)
    assert await email_of(shop, other) == (None, False)


async def test_a_link_opened_on_another_device_leads_back_after_logging_in(shop: Shop) -> None:
    person, email = await minji(shop.m), unheard_of_email()
    url = await ask(shop, await enter(shop, person), email)
    phone = shop.visitor()
    answer = await phone.post("/login", signup_id=person.signup_id, password=person.password, next=url)
    assert answer.headers["Location"] == url
    assert (await phone.post(url)).status_code == 303
    assert await email_of(shop, person) == (email, True)


async def test_a_link_is_dead_after_a_day(shop: Shop) -> None:
    person = await minji(shop.m)
    token = (await ask(shop, await enter(shop, person), unheard_of_email())).rpartition("/")[2]
    with pytest.raises(links.LinkGoneError):
        await links.confirm_email(later(shop.m, hours=24, minutes=1), token, person.user_id)
    await links.confirm_email(later(shop.m, hours=23), token, person.user_id)


async def test_ten_minutes_later_the_password_is_asked_for_in_the_same_form(shop: Shop) -> None:
    person, email = await minji(shop.m), unheard_of_email()
    visitor = await enter(shop, person)
    fresh = await (await visitor.get("/account/email")).get_data(as_text=True)
    assert 'type="password"' not in fresh
    await make_stale(shop.m, person)
    stale = await (await visitor.get("/account/email")).get_data(as_text=True)
    assert 'name="password"' in stale
    for wrong in WRONG:
        answer = await visitor.post("/account/email", email=email, **wrong)
        page = await answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert re.findall(r'id="account-(\w+)-error"', page) == ["password"]
        assert f'value="{email}"' in page  # what was typed is kept
    assert letters_to(shop, email) == []
    before = cookie_of(visitor)
    await ask(shop, visitor, email, password=person.password)
    assert cookie_of(visitor) != before  # proving oneself begins a new session
    assert not await is_in(shop, before)
    again = await (await visitor.get("/account/email")).get_data(as_text=True)
    assert 'name="password"' not in again


async def test_guessing_the_password_there_gets_as_slow_as_at_the_door(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    await make_stale(shop.m, person)
    token = await visitor.token()

    async def guess() -> Response:
        form: dict[str, Any] = {"email": unheard_of_email(), "password": "틀린 비밀번호"}
        return await visitor.post("/account/email", csrf=token, **form)

    answers = [(await guess()).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


@pytest.mark.parametrize(
    "email", ["", "minji", "a@b", "minji@example.com\r\nBcc: a@b.co", ["a@b.co", "c@d.co"]]
)
async def test_what_is_no_address_is_said_beside_its_field(shop: Shop, email: Any) -> None:
    person = await minji(shop.m)
    answer = await (await enter(shop, person)).post("/account/email", email=email)
    assert answer.status_code == 422
    assert re.findall(r'id="account-(\w+)-error"', await answer.get_data(as_text=True)) == ["email"]


async def test_an_address_that_is_confirmed_already_gets_no_mail(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    answer = await (await enter(shop, person)).post("/account/email", email=email)
    assert answer.status_code == 422
    assert "이미 확인된 주소입니다" in await answer.get_data(as_text=True)


async def test_nobody_has_a_mailbox_of_others_filled(shop: Shop) -> None:
    visitor = await enter(shop, await minji(shop.m))
    token, email = await visitor.token(), unheard_of_email()
    answers = [await visitor.post("/account/email", csrf=token, email=email) for _ in range(links.MOST + 1)]
    assert [answer.status_code for answer in answers] == [303] * links.MOST + [429]
    assert "확인 메일을 여러 번 보냈습니다" in await answers[-1].get_data(as_text=True)


async def test_an_account_without_an_address_works_as_before(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert "이메일 등록하고 확인하기" in page
    changed: dict[str, Any] = {"password": person.password, "new_password": "새로 지은 긴 비밀번호"}
    assert (await visitor.post("/account/password", **changed)).status_code == 303
    assert await service.log_in(shop.m, person.signup_id, "새로 지은 긴 비밀번호")


async def test_a_changed_password_is_told_by_mail(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    visitor = await enter(shop, person)
    changed: dict[str, Any] = {"password": person.password, "new_password": "새로 지은 긴 비밀번호"}
    assert (await visitor.post("/account/password", **changed)).status_code == 303
    told = text_of(await letter(shop, email, "비밀번호가 바뀌었습니다"))
    assert "새로 지은 긴 비밀번호" not in told


async def test_ones_own_address_is_no_password(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person, f"{ids.idempotency_key()}@example.com")
    visitor = await enter(shop, person)
    for new in (email, email.partition("@")[0] + "1"):
        answer = await visitor.post("/account/password", password=person.password, new_password=new)
        assert answer.status_code == 422
        assert 'id="account-new_password-error"' in await answer.get_data(as_text=True)


def cookie_of(visitor: Visitor) -> str:
    jar = visitor.client.cookie_jar or ()
    return next((cookie.value or "" for cookie in jar if cookie.name == "sid"), "")


async def is_in(shop: Shop, token: str) -> bool:
    visitor = shop.visitor()
    visitor.client.set_cookie("localhost", "sid", token)
    return (await visitor.get("/account")).status_code == 200
