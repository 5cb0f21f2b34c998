"""Fifty at once at the operators' door: one code lets one in, one factor is kept, one log-out noted."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from quart import Response
from sqlalchemy import select

from app.infra.db import Tx
from app.models import operator_factors, operator_recovery_codes
from app.operators import store
from tests.authenticator import Authenticator
from tests.desk import changes_of, code_in, cookie_of, options_in, text
from tests.races.crowd import CROWD, UNAVAILABLE, at_once, races
from tests.shop import Shop, Visitor
from tests.village import Person, begin, hana, knock, read_secret, run

TOO_MANY = 429
REFUSED = {403, 404, 409, 422, TOO_MANY, UNAVAILABLE}


async def kept(shop: Shop, person: Person, table: Any) -> list[Any]:
    async with shop.m.db.read() as tx:
        return list(await tx.execute(select(table).where(table.c.user_id == person.user_id)))


async def noted(shop: Shop, person: Person, action: str) -> int:
    return [row.action for row in await changes_of(shop, person)].count(action)


async def with_token(shop: Shop, token: str) -> Visitor:
    visitor = shop.visitor()
    visitor.client.set_cookie("localhost", "oid", token, path="/admin")
    return visitor


@races("operators.log_in")
async def test_fifty_right_passwords_lead_to_the_second_factor_only(shop: Shop) -> None:
    person = await hana(shop.m)
    await run(shop, person)
    desks = [shop.visitor() for _ in range(CROWD)]
    for desk in desks:
        desk.form_page = "/admin/login"
    tokens = [await desk.token() for desk in desks]

    async def log_in(number: int) -> Response:
        form: dict[str, Any] = {"signup_id": person.signup_id, "password": person.password}
        return await desks[number].post("/admin/login", csrf=tokens[number], **form)

    answers = await at_once(log_in)
    assert set(answers) <= {303, TOO_MANY, UNAVAILABLE}
    let = [desk for desk, status in zip(desks, answers, strict=True) if status == 303]
    assert len({cookie_of(desk) for desk in let}) == len(let) > 0
    for desk in let:
        assert (await desk.get("/admin/payments")).headers["Location"] == "/admin/second-factor"


@races("operators.enrol")
async def test_one_enrolment_pressed_fifty_times_is_one(shop: Shop) -> None:
    person = await hana(shop.m)
    desk, secret = await begin(shop, person)
    half, token, code = cookie_of(desk), await desk.token(), code_in(shop, secret, 0)
    crowd = [await with_token(shop, half) for _ in range(CROWD)]

    async def press(number: int) -> Response:
        return await crowd[number].post("/admin/enrolment", csrf=token, code=code)

    answers = await at_once(press)
    assert set(answers) <= {303, *REFUSED}
    assert answers.count(303) == 1
    assert len(await kept(shop, person, operator_factors)) == 1
    assert len(await kept(shop, person, operator_recovery_codes)) == 10
    assert await noted(shop, person, "operator.logged_in") == 1
    inside = crowd[answers.index(303)]
    assert (await inside.get("/admin/payments")).status_code == 200


@races("operators.prove")
async def test_one_code_in_fifty_browsers_lets_one_in(shop: Shop) -> None:
    person = await hana(shop.m)
    desk, secret = await begin(shop, person)
    assert (await desk.post("/admin/enrolment", code=code_in(shop, secret, 0))).status_code == 303
    halves = [cookie_of(await knock(shop, person)) for _ in range(5)]
    crowd = [await with_token(shop, halves[number % 5]) for number in range(CROWD)]
    for one in crowd:
        one.form_page = "/admin/second-factor"
    tokens, code = [await one.token() for one in crowd], code_in(shop, secret, 1)

    async def press(number: int) -> Response:
        return await crowd[number].post("/admin/second-factor", csrf=tokens[number], proof=code)

    answers = await at_once(press)
    assert set(answers) <= {303, *REFUSED}
    assert answers.count(303) == 1
    assert await noted(shop, person, "operator.logged_in") == 2


@races("operators.log_out")
async def test_a_session_ends_once(shop: Shop) -> None:
    person = await hana(shop.m)
    desk = await run(shop, person)
    token, session = await desk.token(), cookie_of(desk)
    crowd = [await with_token(shop, session) for _ in range(CROWD)]

    async def leave(number: int) -> Response:
        return await crowd[number].post("/admin/logout", csrf=token)

    assert set(await at_once(leave)) <= {303, *REFUSED}
    assert await noted(shop, person, "operator.logged_out") == 1
    assert (await (await with_token(shop, session)).get("/admin/payments")).status_code == 404


@races("operators.replace_totp", "operators.make_codes")
async def test_one_authenticator_and_one_set_of_codes_are_left(shop: Shop) -> None:
    person = await hana(shop.m)
    desk = await run(shop, person)
    token = await desk.token()
    new = read_secret(await text(await desk.get("/admin/factors/totp")))
    code = code_in(shop, new, 0)

    async def replace(number: int) -> Response:
        if number % 2:
            return await desk.post("/admin/factors/recovery-codes", csrf=token)
        return await desk.post("/admin/factors/totp", csrf=token, code=code)

    answers = await at_once(replace)
    assert set(answers) <= {303, *REFUSED}
    assert answers[::2].count(303) == 1
    assert 303 in answers[1::2]
    assert len(await kept(shop, person, operator_factors)) == 1
    codes = await kept(shop, person, operator_recovery_codes)
    assert (len(codes), len({row.batch for row in codes})) == (10, 1)


@races("operators.make_codes")
async def test_one_set_of_codes_is_left_where_there_was_none(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no row there to wait for, nothing but the operator's own lock keeps two sets apart."""
    person = await hana(shop.m)
    desk = await run(shop, person)
    token = await desk.token()
    async with shop.m.db.write() as tx:
        await store.delete_codes(tx, person.user_id)
    both, delete_codes = asyncio.Barrier(2), store.delete_codes

    async def beside_another(tx: Tx, user_id: int) -> None:
        """Delete, and let the other one delete too, if nothing keeps it from that."""
        await delete_codes(tx, user_id)
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(both.wait(), 0.5)

    monkeypatch.setattr(store, "delete_codes", beside_another)
    posts = (desk.post("/admin/factors/recovery-codes", csrf=token) for _ in range(2))
    answers = [answer.status_code for answer in await asyncio.gather(*posts)]
    assert set(answers) <= {303, UNAVAILABLE}
    assert 303 in answers
    codes = await kept(shop, person, operator_recovery_codes)
    assert (len(codes), len({row.batch for row in codes})) == (10, 1)


@races("operators.add_passkey", "operators.remove_passkey")
async def test_a_passkey_is_added_once_and_removed_once(shop: Shop) -> None:
    person = await hana(shop.m)
    desk = await run(shop, person)
    token = await desk.token()
    made = Authenticator().make(options_in(await text(await desk.get("/admin/factors"))))

    async def add(_: int) -> Response:
        return await desk.post("/admin/factors/passkeys", csrf=token, label="보안 키", made=made)

    assert set(await at_once(add)) <= {303, UNAVAILABLE}
    [passkey] = [row for row in await kept(shop, person, operator_factors) if row.kind == "passkey"]
    assert await noted(shop, person, "factor.passkey_added") == 1

    async def remove(_: int) -> Response:
        url = f"/admin/factors/passkeys/{passkey.operator_factor_id}/removal"
        return await desk.post(url, csrf=token)

    answers = await at_once(remove)
    assert set(answers) <= {303, 404, UNAVAILABLE}
    assert answers.count(303) == 1
    assert await noted(shop, person, "factor.passkey_removed") == 1
