"""Fifty at once at the doors of accounts: a name is given once, a session ends once, a cart moves once."""

import asyncio
import json
import re
import secrets
from typing import Any

from quart import Response
from sqlalchemy import func, select

from app.accounts import service as accounts
from app.accounts.attempts import FREE
from app.accounts.links import service as links
from app.accounts.messages import ResetAsked
from app.cart import service as carts
from app.cart.hot import HotCarts
from app.core import ids
from app.core.errors import TooManyError
from app.models import sessions, users
from app.web import current
from tests.buyer import ADDRESS
from tests.goods import mug
from tests.letters import give_email, letter, letters_to, link_in
from tests.races.crowd import CROWD, UNAVAILABLE, at_once, races
from tests.shop import Shop, Visitor
from tests.village import enter, minji, unheard_of_id

TOO_MANY = 429


def cookie_of(visitor: Visitor, name: str) -> str:
    jar = visitor.client.cookie_jar or ()
    return next((cookie.value or "" for cookie in jar if cookie.name == name), "")


def with_session(shop: Shop, token: str) -> Visitor:
    visitor = shop.visitor()
    visitor.client.set_cookie("localhost", "sid", token)
    return visitor


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/account")).status_code == 200


async def living_sessions(shop: Shop, user_id: int) -> int:
    alive = select(func.count()).select_from(sessions)
    alive = alive.where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    async with shop.m.db.read() as tx:
        return int((await tx.execute(alive)).scalar_one())


@races("accounts.sign_up")
async def test_of_fifty_who_want_one_name_one_gets_it(shop: Shop) -> None:
    signup_id = unheard_of_id("min")
    people = [shop.visitor() for _ in range(CROWD)]
    tokens = [await person.token() for person in people]

    async def sign_up(number: int) -> Response:
        form: dict[str, Any] = {
            "name": f"김민지 {number}",
            "phone": f"010-1234-{number:04}",
            "email": f"minji{number}@example.com",
            "signup_id": signup_id,
            "password": f"달빛 아래 {number} 번째 문",
            **dict.fromkeys(("terms", "privacy", "age"), "1"),
        }
        return await people[number].post("/signup", csrf=tokens[number], **form)

    answers = await at_once(sign_up)
    assert set(answers) <= {303, 422, TOO_MANY, UNAVAILABLE}
    assert answers.count(303) == 1
    winner = answers.index(303)
    async with shop.m.db.read() as tx:
        [row] = (await tx.execute(select(users).where(users.c.signup_id == signup_id))).all()
    assert row.name == f"김민지 {winner}"
    assert [await is_in(person) for person in people] == [number == winner for number in range(CROWD)]


@races("accounts.log_in")
async def test_a_guests_cart_moves_once_however_often_the_button_is_pressed(shop: Shop) -> None:
    person, visitor = await minji(shop.m), shop.visitor()
    both, hers, his = [await mug(shop.m) for _ in range(3)]
    await carts.add_line(shop.m, person.owner, both, 2, "")
    await carts.add_line(shop.m, person.owner, hers, 1, "")
    token = await visitor.token()
    for cup in (both, his):
        form: dict[str, Any] = {"product_id": cup, "quantity": 3, "key": ids.idempotency_key()}
        await visitor.post("/cart/lines", csrf=token, **form)

    async def log_in(_: int) -> Response:
        form: dict[str, Any] = {"signup_id": person.signup_id, "password": person.password}
        return await visitor.post("/login", csrf=token, **form)

    answers = await at_once(log_in, FREE)
    assert set(answers) <= {303, 403, TOO_MANY, UNAVAILABLE}
    assert answers.count(303) > 0
    cart = await carts.snapshot(shop.m, person.owner)
    assert {line.product_id: line.quantity for line in cart.live} == {both: 3, hers: 1, his: 3}
    assert await is_in(visitor)
    assert cookie_of(visitor, "gid") == ""


@races("accounts.log_in", "cart.add_line")
async def test_what_a_guest_puts_in_while_logging_in_is_not_left_behind(shop: Shop) -> None:
    """It is in the member's cart, or in one that this browser's next log-in will bring along."""
    person, visitor = await minji(shop.m), shop.visitor()
    goods = [await mug(shop.m) for _ in range(CROWD)]
    token = await visitor.token()
    guest = current.guest_owner(cookie_of(visitor, "gid"))
    form: dict[str, Any] = {"product_id": goods[0], "quantity": 1, "key": ids.idempotency_key()}
    await visitor.post("/cart/lines", csrf=token, **form)

    async def put_in_or_enter(number: int) -> Response:
        if number == CROWD // 2:
            form: dict[str, Any] = {"signup_id": person.signup_id, "password": person.password}
            return await visitor.post("/login", csrf=token, **form)
        form = {"product_id": goods[number], "quantity": 1, "key": ids.idempotency_key()}
        return await visitor.post("/cart/lines", csrf=token, **form)

    answers = await at_once(put_in_or_enter)
    done = {cup for cup, answer in zip(goods, answers, strict=True) if answer == 303}
    member = {line.product_id for line in (await carts.snapshot(shop.m, person.owner)).live}
    behind = {line.product_id for line in (await shop.m.keep(HotCarts).snapshot(guest)).live}
    assert done - {goods[CROWD // 2]} <= member | behind
    assert not behind or cookie_of(visitor, "gid")


@races("accounts.log_in")
async def test_fifty_guesses_at_once_are_ten(shop: Shop) -> None:
    person, visitor = await minji(shop.m), shop.visitor()
    token = await visitor.token()

    async def guess(number: int) -> Response:
        form: dict[str, Any] = {"signup_id": person.signup_id, "password": f"틀린 비밀번호 {number}"}
        return await visitor.post("/login", csrf=token, **form)

    answers = await at_once(guess)
    assert set(answers) <= {422, TOO_MANY, UNAVAILABLE}
    assert answers.count(422) <= FREE
    assert not await is_in(visitor)


@races("accounts.log_out")
async def test_a_session_ends_once_and_no_page_drawn_meanwhile_keeps_it(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    token, csrf = cookie_of(visitor, "sid"), await visitor.token()
    same = [with_session(shop, token) for _ in range(CROWD)]

    async def leave_or_look(number: int) -> Response:
        if number % 2:
            return await same[number].post("/logout", csrf=csrf)
        return await same[number].get("/account")

    answers = await at_once(leave_or_look)
    assert set(answers) <= {200, 303, 403, UNAVAILABLE}
    assert not await is_in(with_session(shop, token))
    assert await living_sessions(shop, person.user_id) == 0


@races("accounts.change_password", "accounts.log_in")
async def test_of_fifty_new_passwords_one_holds_and_the_old_one_opens_nothing(shop: Shop) -> None:
    person = await minji(shop.m)
    here = await enter(shop, person)
    csrf, sid = await here.token(), cookie_of(here, "sid")
    tabs = [with_session(shop, sid) for _ in range(CROWD)]
    new = [f"새로 지은 긴 비밀번호 {secrets.token_hex(4)}" for _ in range(CROWD)]
    strangers = [shop.visitor() for _ in range(CROWD)]
    tokens = [await stranger.token() for stranger in strangers]

    every = CROWD // (FREE // 2)  # who logs in must not have used up every free attempt before a tab's turn

    async def change_or_enter(number: int) -> Response:
        if number % every:
            form: dict[str, Any] = {"password": person.password, "new_password": new[number]}
            return await tabs[number].post("/account/password", csrf=csrf, **form)
        form = {"signup_id": person.signup_id, "password": person.password}
        return await strangers[number].post("/login", csrf=tokens[number], **form)

    answers = await at_once(change_or_enter)
    assert set(answers) <= {303, 403, 409, 422, TOO_MANY, UNAVAILABLE}
    changed = [tab for tab in tabs if cookie_of(tab, "sid") not in {"", sid}]
    assert len(changed) == 1
    assert await is_in(changed[0])
    assert not any(await asyncio.gather(*(is_in(stranger) for stranger in strangers)))
    assert not await is_in(with_session(shop, sid))
    winner = new[tabs.index(changed[0])]
    assert await opens(shop, person.signup_id, winner)
    assert not await opens(shop, person.signup_id, person.password)


@races("links.ask_reset")
async def test_fifty_who_ask_for_one_mailbox_fill_it_with_no_more_than_five_mails(shop: Shop) -> None:
    person = await minji(shop.m)
    email = await give_email(shop.m, person)
    people = [shop.visitor() for _ in range(CROWD)]
    tokens = [await one.token() for one in people]

    async def ask(number: int) -> Response:
        return await people[number].post("/password-reset", csrf=tokens[number], email=email)

    answers = await at_once(ask)
    assert set(answers) <= {303, TOO_MANY, UNAVAILABLE}
    last = await minji(shop.m)
    await shop.visitor().post("/password-reset", email=await give_email(shop.m, last))
    await letter(
        shop, f"{last.signup_id}@example.com", "새로 정하는 링크"
    )  # the others were answered before it
    assert 0 < len(letters_to(shop, email)) <= links.MOST


@races("links.reset_password")
async def test_of_fifty_who_have_one_link_one_sets_the_password(shop: Shop) -> None:
    person, seed = await minji(shop.m), ids.token()
    await links.answer_reset(shop.m, ResetAsked(await give_email(shop.m, person), seed))
    token = ids.derive_token(shop.m.settings.secret_key, f"{seed}.{person.user_id}")
    there = await enter(shop, person)
    people = [shop.visitor() for _ in range(CROWD)]
    tokens = [await one.token() for one in people]
    new = [f"새로 지은 긴 비밀번호 {secrets.token_hex(4)}" for _ in range(CROWD)]

    async def reset(number: int) -> Response:
        url = f"/password-reset/{token}"
        return await people[number].post(url, csrf=tokens[number], new_password=new[number])

    answers = await at_once(reset)
    assert set(answers) <= {303, 404, TOO_MANY, UNAVAILABLE}
    assert answers.count(303) == 1
    assert await opens(shop, person.signup_id, new[answers.index(303)])
    assert not await opens(shop, person.signup_id, person.password)
    assert not await is_in(there)


@races("links.ask_email", "links.confirm_email")
async def test_of_fifty_clicks_on_one_link_one_confirms_the_address(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor, old = await enter(shop, person), await give_email(shop.m, person)
    csrf, new = await visitor.token(), f"{ids.idempotency_key()}@example.com"

    async def ask(_: int) -> Response:
        return await visitor.post("/account/email", csrf=csrf, email=new)

    asked = await at_once(ask, 10)
    assert set(asked) <= {303, TOO_MANY, UNAVAILABLE}
    url = link_in(await letter(shop, new, "이메일 주소를 확인"))

    async def confirm(_: int) -> Response:
        return await visitor.post(url, csrf=csrf)

    answers = await at_once(confirm)
    assert set(answers) <= {303, 404, TOO_MANY, UNAVAILABLE}
    assert answers.count(303) == 1
    await letter(shop, old, "이메일 주소가 바뀌었습니다")
    assert sum("주소가 바뀌었습니다" in mail["Subject"] for mail in letters_to(shop, old)) == 1
    page = await (await visitor.get("/account")).get_data(as_text=True)
    assert new in page
    assert "확인 전" not in page


@races("accounts.end_session", "accounts.end_sessions")
async def test_who_ends_sessions_in_fifty_tabs_leaves_none_that_was_to_end(shop: Shop) -> None:
    person = await minji(shop.m)
    here, there = await enter(shop, person), await enter(shop, person)
    page = await (await here.get("/account/sessions")).get_data(as_text=True)
    [url] = re.findall(r"/account/sessions/\w+/closure", page)
    csrf, sid = await here.token(), cookie_of(here, "sid")
    tabs = [with_session(shop, sid) for _ in range(CROWD)]

    async def end(number: int) -> Response:
        return await tabs[number].post("/account/sessions/closure" if number % 10 == 9 else url, csrf=csrf)

    answers = await at_once(end)
    assert set(answers) <= {303, 403, 404, 422, TOO_MANY, UNAVAILABLE}
    assert 303 in answers
    assert await living_sessions(shop, person.user_id) == 0
    assert not await is_in(here)
    assert not await is_in(there)


@races("accounts.set_consents")
async def test_a_consent_given_and_withdrawn_by_fifty_is_one_of_the_two(shop: Shop) -> None:
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    csrf = await visitor.token()

    async def set_consent(number: int) -> Response:
        form: dict[str, Any] = {"marketing": "1"} if number % 2 else {}
        return await visitor.post("/account/consents", csrf=csrf, **form)

    answers = await at_once(set_consent)
    assert set(answers) <= {303, TOO_MANY, UNAVAILABLE}
    async with shop.m.db.read() as tx:
        kept = (await tx.execute(select(users.c.consents).where(users.c.user_id == person.user_id))).one()
    assert set(json.loads(kept.consents)) <= {"marketing"}
    await visitor.post("/account/consents", marketing="1")
    assert "받고 계십니다" in await (await visitor.get("/account")).get_data(as_text=True)


@races("closure.close_account")
async def test_an_account_closed_fifty_times_while_it_orders_is_closed_once_or_keeps_its_order(
    shop: Shop,
) -> None:
    person, cup = await minji(shop.m), await mug(shop.m)
    email = await give_email(shop.m, person)
    visitor = await enter(shop, person)
    csrf, sid = await visitor.token(), cookie_of(visitor, "sid")
    await visitor.post("/cart/lines", csrf=csrf, product_id=cup, quantity=1, key=ids.idempotency_key())
    total = (await carts.view(shop.m, person.owner)).total_price
    tabs = [with_session(shop, sid) for _ in range(CROWD)]

    async def close_or_order(number: int) -> Response:
        if number % 5:
            return await tabs[number].post("/account/closure", csrf=csrf, confirmed="1")
        form: dict[str, Any] = {**ADDRESS, "seen_total": total, "confirmed": "1"}
        return await tabs[number].post("/checkout", csrf=csrf, **form)

    answers = await at_once(close_or_order)
    assert set(answers) <= {200, 303, 403, 404, 409, 422, TOO_MANY, UNAVAILABLE}
    async with shop.m.db.read() as tx:
        row = (await tx.execute(select(users).where(users.c.user_id == person.user_id))).one()
    if row.closed_at is None:
        assert (await visitor.get("/account")).status_code == 200
        return
    assert (row.name, row.email) == ("", None)
    assert not await is_in(visitor)
    assert await living_sessions(shop, person.user_id) == 0
    await letter(shop, email, "탈퇴가 끝났습니다")
    assert len(letters_to(shop, email)) == 1


async def opens(shop: Shop, signup_id: str, password: str) -> bool:
    """Whether a password is the right one, however often one must wait before it is looked at."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await accounts.log_in(shop.m, signup_id, password) is not None
            except TooManyError as wait:
                await asyncio.sleep(wait.retry_after)
