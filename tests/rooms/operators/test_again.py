"""Before a change the second factor is asked for again, and what was typed is still there afterwards."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from app.models import operator_factors
from tests.authenticator import Authenticator
from tests.buyer import Buyer, attempts, stand_of, states
from tests.desk import code_in, doors, options_in, pass_time, text
from tests.goods import mug
from tests.shop import HTMX, Shop, Visitor
from tests.toss_stand import Stand
from tests.village import Person, begin, hana

pytestmark = pytest.mark.real_first

AGAIN = "다시 인증해 주십시오"
CHANGES = [url for method, url in doors("operator") if method == "POST"]


@pytest_asyncio.fixture(loop_scope="session")
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    shop.m.toss.breaker.answered()
    async with stand_of(shop) as stand:
        yield stand


@pytest_asyncio.fixture(loop_scope="session")
async def person(shop: Shop) -> Person:
    """Somebody who runs the shop."""
    return await hana(shop.m)


async def stale_desk(shop: Shop, person: Person) -> tuple[Visitor, str]:
    """Somebody who logged in eleven minutes ago, and the authenticator's secret."""
    desk, secret = await begin(shop, person)
    await desk.post("/admin/enrolment", code=code_in(shop, secret, 0))
    desk.form_page = "/admin/factors"
    await pass_time(shop, desk, "proved_at", minutes=11)
    async with shop.m.db.write() as tx:  # the code of then is not the one of now
        mine = operator_factors.c.user_id == person.user_id
        await tx.execute(update(operator_factors).where(mine).values(last_step=None))
    return desk, secret


async def paid(shop: Shop, stand: Stand) -> tuple[str, Any]:
    buyer = Buyer(shop, shop.visitor(), stand)
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no)
    [attempt] = await attempts(shop, order_no)
    return order_no, attempt


def hidden(page: str) -> dict[str, Any]:
    """What the page sends along without showing it."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<main")[2]))


def test_there_are_changes_to_be_asked_about() -> None:
    assert {"/admin/payments/1/refunds", "/admin/payments/1/check"} <= set(CHANGES)


@pytest.mark.parametrize("url", CHANGES)
async def test_every_change_asks_again_after_ten_minutes_and_nothing_has_happened_until_then(
    shop: Shop, person: Person, url: str
) -> None:
    desk, _ = await stale_desk(shop, person)
    for headers in ({}, HTMX):
        form = {"csrf": await desk.token(), "label": "노트북", "amount": '1"000'}
        answer = await desk.client.post(url, form=form, headers=headers)
        assert answer.status_code == 403
        page = await text(answer)
        assert AGAIN in page
        assert f'action="{url}"' in page
        assert 'name="amount" value="1&#34;000"' in page


async def test_a_refund_goes_on_where_it_was_interrupted(shop: Shop, stand: Stand, person: Person) -> None:
    order_no, attempt = await paid(shop, stand)
    desk, secret = await stale_desk(shop, person)
    here = f"/admin/payments/{attempt.web_payment_id}"
    nonce = re.search(r'name="nonce" value="([0-9a-f]{32})"', await text(await desk.get(here)))
    assert nonce
    typed: dict[str, Any] = {"nonce": nonce[1], "amount": "15000", "reason": '"단순" 변심 & <기타>'}
    page = await text(await desk.post(f"{here}/refunds", **typed))
    assert AGAIN in page
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    answer = await desk.post(f"{here}/refunds", **typed, proof="000000")
    page = await text(answer)
    assert answer.status_code == 422
    assert "인증 코드가 맞지 않거나" in page
    kept = {name: value.replace("&#34;", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
            for name, value in hidden(page).items()}  # fmt: skip
    assert {name: kept[name] for name in typed} == typed
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    kept["proof"] = code_in(shop, secret, 0)
    answer = await desk.post(f"{here}/refunds", **kept)
    assert (answer.status_code, answer.headers["Location"]) == (303, here)
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert "&#34;단순&#34; 변심 &amp; &lt;기타&gt;" in await text(await desk.get(here))
    answer = await desk.post("/admin/factors/recovery-codes")  # and for ten minutes nothing is asked again
    assert answer.headers["Location"] == "/admin/factors/recovery-codes"


async def test_a_passkey_is_enough_to_go_on(shop: Shop, person: Person) -> None:
    desk, secret = await stale_desk(shop, person)
    key = Authenticator()
    made = key.make(options_in(await text(await desk.get("/admin/factors"))))
    sent: dict[str, Any] = {"label": "보안 키", "made": made}
    answer = await desk.post("/admin/factors/passkeys", **sent, proof=code_in(shop, secret, 0))
    assert answer.status_code == 303  # what the browser has made meanwhile is not lost
    await pass_time(shop, desk, "proved_at", minutes=11)
    page = await text(await desk.post("/admin/factors/recovery-codes"))
    answer = await desk.post("/admin/factors/recovery-codes", passkey=key.answer(options_in(page)))
    assert answer.headers["Location"] == "/admin/factors/recovery-codes"


async def test_leaving_needs_no_second_factor(shop: Shop, person: Person) -> None:
    desk, _ = await stale_desk(shop, person)
    assert (await desk.post("/admin/logout")).headers["Location"] == "/admin/login"


async def test_a_second_factor_that_has_to_wait_says_how_long(shop: Shop, person: Person) -> None:
    desk, _ = await stale_desk(shop, person)
    answers = [await desk.post("/admin/factors/recovery-codes", proof="000000") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert "초 후 다시 시도해 주십시오" in await text(answers[-1])
    assert int(answers[-1].headers["Retry-After"]) > 0
