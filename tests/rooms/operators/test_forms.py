"""Whatever an operator's forms are sent from inside: a sentence, no traceback, no other operator touched."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from app.models import operator_factors, operators, refunds
from app.web.guards import UNSAFE
from tests.desk import doors
from tests.house.test_bad_input import FORMS, bare_app, bodies, file_part, send, trouble
from tests.shop import HTMX, Shop, Visitor
from tests.village import hana, run

pytestmark = pytest.mark.real_first

# The doors behind which a second factor was given; the others are asked by everybody in tests/house.
INSIDE = {
    rule.endpoint: str(rule).replace("<int:web_payment_id>", "1").replace("<int:operator_factor_id>", "1")
    for rule in bare_app().url_map.iter_rules()
    if ("POST", str(rule).replace("<int:web_payment_id>", "1").replace("<int:operator_factor_id>", "1"))
    in doors("operator")
    and (rule.methods or set()) & set(UNSAFE)
}


SOUND = FORMS["admin.refund_payment"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(shop: Shop) -> Visitor:
    return await run(shop, await hana(shop.m))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(shop: Shop) -> int:
    """Somebody else who runs the shop, with an authenticator of their own."""
    person = await hana(shop.m)
    await run(shop, person)
    return person.user_id


async def state(shop: Shop, user_id: int) -> Any:
    queries = (
        select(operators).where(operators.c.user_id == user_id),
        select(operator_factors).where(operator_factors.c.user_id == user_id),
        # Some junk is a sound reason: what is asked for so is given back, once, and no other won.
        select(refunds).where(refunds.c.web_payment_id == 1, refunds.c.refund_id != SOUND["nonce"]),
        select(refunds.c.refund_id).where(
            refunds.c.refund_id == SOUND["nonce"], refunds.c.amount != int(SOUND["amount"])
        ),
    )
    async with shop.m.db.read() as tx:
        return [[tuple(row) for row in await tx.execute(query)] for query in queries]


def filled(form: Mapping[str, str]) -> dict[str, str]:
    return {name: value if "{" not in value else "1" for name, value in form.items()}


def test_every_form_inside_is_spoilt_here() -> None:
    assert {url for method, url in doors("operator") if method == "POST"} == set(INSIDE.values())


@pytest.mark.parametrize("endpoint", sorted(INSIDE))
async def test_a_spoilt_form_is_answered_politely(
    shop: Shop, desk: Visitor, other: int, endpoint: str
) -> None:
    token, wrong = await desk.token(), []
    before = await state(shop, other)
    for what, body in bodies(filled(FORMS[endpoint])):
        for headers in ({}, HTMX):
            wrong += await trouble(
                await send(desk, INSIDE[endpoint], f"csrf={token}&{body}", **headers), what
            )
    assert wrong == []
    assert await state(shop, other) == before


@pytest.mark.parametrize("endpoint", sorted(INSIDE))
async def test_a_file_is_taken_by_no_form(shop: Shop, desk: Visitor, endpoint: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x", "X-CSRF-Token": await desk.token()}
    for name in (*FORMS[endpoint], "file"):
        answer = await desk.client.post(INSIDE[endpoint], data=file_part(name), headers=headers)
        assert await trouble(answer, name) == []
        assert b"<svg/>" not in await answer.get_data(as_text=False)
