"""The operators' door: id, password and second factor open it, and not for long."""

import dataclasses
import logging
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.accounts import service as accounts
from app.core import ids
from app.main import create_app
from app.models import operator_sessions, sessions, users
from app.operators import service as operators
from app.operators import sessions as operator_sessions_
from tests.desk import ask, changes_of, code_in, cookie_of, doors, pass_time, session_row, text
from tests.house.junk import VALUES
from tests.shop import Shop, Visitor
from tests.village import COMMAND_LINE, Person, begin, enter, hana, knock, minji, run

pytestmark = pytest.mark.real_first

INSIDE = "/admin/payments"


@pytest_asyncio.fixture(loop_scope="session")
async def person(shop: Shop) -> Person:
    """Somebody who runs the shop."""
    return await hana(shop.m)


async def is_inside(visitor: Visitor) -> bool:
    return (await visitor.get(INSIDE)).status_code == 200


async def sends(visitor: Visitor, token: str) -> int:
    """What a browser gets that sends this token, whatever it held before."""
    answer = await visitor.client.get(INSIDE, headers={"Cookie": f"oid={token}"})
    return answer.status_code


@pytest.mark.parametrize("who", ["guest", "member", "operator in the shop"])
async def test_to_everybody_else_no_page_of_operators_exists(shop: Shop, person: Person, who: str) -> None:
    """Above all not for the shopper's session of somebody who runs the shop."""
    visitor = shop.visitor()
    if who != "guest":
        visitor = await enter(shop, await minji(shop.m) if who == "member" else person)
    for method, url in doors("operator") + doors("entrant"):
        answer = await ask(visitor, method, url)
        assert (answer.status_code, url) == (404, url)
        assert "운영" not in (await text(answer)).replace(url, "")


async def test_the_password_alone_leads_to_the_second_factor_only(shop: Shop, person: Person) -> None:
    secret = (await begin(shop, person))[1]
    first = await knock(shop, person)
    first.form_page = "/admin/enrolment"
    for method, url in doors("operator"):
        answer = await ask(first, method, url)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/enrolment"), url
    desk = await run(shop, person)
    assert await is_inside(desk)
    again = await knock(shop, person)
    for method, url in doors("operator"):
        answer = await ask(again, method, url)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/second-factor"), url
    # The secret of a session that was not the one to enrol is worth nothing.
    answer = await again.post("/admin/second-factor", proof=code_in(shop, secret, 1))
    assert answer.status_code == 422
    answer = await again.post("/admin/enrolment", code=code_in(shop, secret, 1))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin")
    assert not await is_inside(again)


@pytest.mark.parametrize("sent", ["a wrong password", "a shopper's", "of nobody"])
async def test_whoever_may_not_in_hears_the_same(shop: Shop, person: Person, sent: str) -> None:
    shopper = await minji(shop.m)
    signup_id, password = {
        "a wrong password": (person.signup_id, shopper.password),
        "a shopper's": (shopper.signup_id, shopper.password),
        "of nobody": ("nobody_at_all", shopper.password),
    }[sent]
    visitor = shop.visitor()
    visitor.form_page = "/admin/login"
    answer = await visitor.post("/admin/login", signup_id=signup_id, password=password)
    assert answer.status_code == 422
    page = await text(answer)
    assert "아이디 또는 비밀번호가 맞지 않습니다." in page
    assert f'value="{signup_id}"' in page
    assert password not in page
    assert "Set-Cookie" not in answer.headers or "oid" not in answer.headers["Set-Cookie"]


async def test_guessing_an_operators_password_gets_slow(shop: Shop, person: Person) -> None:
    visitor = shop.visitor()
    visitor.form_page = "/admin/login"
    token = await visitor.token()
    form: dict[str, Any] = {"signup_id": person.signup_id, "password": "달빛이 아닌 것"}
    statuses = [(await visitor.post("/admin/login", csrf=token, **form)).status_code for _ in range(12)]
    assert statuses[:10] == [422] * 10
    assert 429 in statuses[10:]


async def test_the_token_is_another_after_the_second_factor_and_the_old_one_is_dead(
    shop: Shop, person: Person
) -> None:
    desk, secret = await begin(shop, person)
    before = cookie_of(desk)
    answer = await desk.post("/admin/enrolment", code=code_in(shop, secret, 0))
    after = cookie_of(desk)
    assert answer.status_code == 303
    assert after != before
    assert ids.is_token(after)
    assert await is_inside(desk)
    assert await sends(shop.visitor(), before) == 404
    assert (await session_row(shop, before)).ended_at is not None


async def test_only_the_hash_of_a_token_is_kept(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    query = select(operator_sessions).where(operator_sessions.c.user_id == person.user_id)
    async with shop.m.db.read() as tx:
        rows = list(await tx.execute(query))
    assert ids.fingerprint(cookie_of(desk)) in {row.token_hash for row in rows}
    assert cookie_of(desk) not in str(rows)


@pytest.mark.parametrize("kind", sorted(VALUES))
async def test_an_id_that_we_did_not_give_out_is_nobodys(shop: Shop, kind: str) -> None:
    visitor = shop.visitor()
    answer = await visitor.client.get("/admin/login", headers={"Cookie": f"oid={VALUES[kind]}"})
    # A head beyond any browser's is refused before anybody looks into it.
    assert answer.status_code == (431 if kind == "long Hangul" else 200)
    assert "oid" not in answer.headers.get("Set-Cookie", "")
    assert await sends(visitor, ids.token()) == 404


async def test_logging_out_ends_the_session_for_every_copy_of_its_cookie(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    token = cookie_of(desk)
    answer = await desk.post("/admin/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/login")
    assert await sends(shop.visitor(), token) == 404
    assert [row.action for row in await changes_of(shop, person)][-1] == "operator.logged_out"


@pytest.mark.parametrize(
    ("columns", "minutes", "is_over"),
    [
        (("last_seen_at",), 28, False),
        (("last_seen_at",), 31, True),
        (("created_at", "expires_at"), 8 * 60 - 1, False),
        (("created_at", "expires_at"), 8 * 60 + 1, True),
    ],
)
async def test_a_session_is_over_by_the_servers_clock(
    shop: Shop, columns: tuple[str, ...], minutes: int, *, is_over: bool
) -> None:
    person = await hana(shop.m)
    desk = await run(shop, person)
    async with shop.m.db.write() as tx:  # the password is older than the session
        long_ago = shop.m.clock.now().replace(year=2020)
        this = users.c.user_id == person.user_id
        await tx.execute(update(users).where(this).values(password_changed_at=long_ago))
    await pass_time(shop, desk, *columns, minutes=minutes)
    answer = await desk.get(INSIDE)
    if not is_over:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/login")
    page = await text(await desk.get("/admin/login"))
    assert "오래 쓰지 않아 로그아웃되었습니다" in page
    desk.form_page = "/admin/login"
    answer = await desk.post("/admin/factors/recovery-codes")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/login")
    answer = await desk.post("/admin/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 303


async def test_every_request_keeps_a_session_from_idling(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    for _ in range(3):
        await pass_time(shop, desk, "last_seen_at", minutes=20)
        assert await is_inside(desk)


async def test_the_way_from_the_password_to_the_second_factor_is_ten_minutes_long(
    shop: Shop, person: Person
) -> None:
    desk, secret = await begin(shop, person)
    await pass_time(shop, desk, "expires_at", minutes=11)
    answer = await desk.post("/admin/enrolment", csrf=await desk_token(desk), code=code_in(shop, secret, 0))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/login")


async def desk_token(desk: Visitor) -> str:
    desk.form_page = "/admin/login"
    return await desk.token()


async def test_an_operator_who_is_taken_out_is_out_at_once(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    await operators.disable(shop.m, COMMAND_LINE, person.signup_id)
    assert (await desk.get(INSIDE)).status_code == 404
    visitor = shop.visitor()
    visitor.form_page = "/admin/login"
    answer = await visitor.post("/admin/login", signup_id=person.signup_id, password=person.password)
    assert answer.status_code == 422


async def test_a_new_password_ends_every_session_of_an_operator(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    await accounts.change_password(shop.m, person.user_id, person.password, "새벽 안개 아래 걷다")
    assert (await desk.get(INSIDE)).status_code == 404


async def test_operators_and_shoppers_have_sessions_of_their_own(shop: Shop, person: Person) -> None:
    """A shopper's token is nothing here, an operator's nothing there."""
    desk, shopper = await run(shop, person), await enter(shop, person)
    sid = cookie_of(shopper, "sid")
    assert await sends(shop.visitor(), sid) == 404
    answer = await shop.visitor().client.get("/account", headers={"Cookie": f"sid={cookie_of(desk)}"})
    assert answer.status_code == 303
    async with shop.m.db.read() as tx:
        here = select(sessions).where(sessions.c.token_hash == ids.fingerprint(cookie_of(desk)))
        assert (await tx.execute(here)).first() is None


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("https://shop.example", "__Secure-oid", True), ("http://localhost", "oid", False)],
)
async def test_the_cookie_goes_to_the_operators_pages_and_nowhere_else(
    shop: Shop, person: Person, public_url: str, name: str, *, secure: bool
) -> None:
    settings = dataclasses.replace(shop.m.settings, public_url=public_url)
    app = create_app(settings, dataclasses.replace(shop.m, settings=settings))
    visitor = Visitor(app.test_client())
    page = await visitor.client.get("/admin/login", scheme="https" if secure else "http")
    token = (await page.get_data(as_text=True)).split('name="csrf" value="')[1].split('"')[0]
    answer = await visitor.client.post(
        "/admin/login",
        form={"csrf": token, "signup_id": person.signup_id, "password": person.password},
        scheme="https" if secure else "http",
    )
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(name)]
    assert answer.headers["Location"] == "/admin"  # and the token is in no address
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert {"Path=/admin", "HttpOnly", "SameSite=Strict"} <= parts
    assert ("Secure" in parts) == secure
    assert not any(part.startswith(("Domain", "Expires", "Max-Age")) for part in parts)


async def test_a_form_is_bound_to_the_session_it_was_drawn_for(shop: Shop, person: Person) -> None:
    desk, other, shopper = await run(shop, person), await run(shop, await hana(shop.m)), shop.visitor()
    for token in (await other.token(), await shopper.token(), ""):
        assert (await desk.post("/admin/factors/recovery-codes", csrf=token)).status_code == 403
        assert (await desk.post("/admin/logout", csrf=token)).status_code == 403
    assert await is_inside(desk)


async def test_no_log_line_knows_a_token_a_password_or_a_code(
    shop: Shop, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="app"):
        desk, secret = await begin(shop, person)
        before, code = cookie_of(desk), code_in(shop, secret, 0)
        await desk.post("/admin/enrolment", code="000000")
        await desk.post("/admin/enrolment", code=code)
        await desk.get("/admin/payments/999999999")
    said = "\n".join(record.getMessage() for record in caplog.records)
    for word in (before, cookie_of(desk), person.password, secret, code, person.signup_id):
        assert word not in said


async def test_sessions_that_are_over_are_forgotten(shop: Shop, person: Person) -> None:
    desk = await run(shop, person)
    gone = cookie_of(await knock(shop, person))
    async with shop.m.db.write() as tx:
        this = operator_sessions.c.token_hash == ids.fingerprint(gone)
        await tx.execute(update(operator_sessions).where(this).values(expires_at=shop.m.clock.now()))
    await operator_sessions_.purge_ended(shop.m)
    assert await session_row(shop, gone) is None
    assert await is_inside(desk)
