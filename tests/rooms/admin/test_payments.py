"""The operators' pages of payments: shut to everybody else, and enough to refund and to ask again."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from app.models import refunds
from tests.buyer import Buyer, attempts, left, stand_of, states
from tests.goods import mug
from tests.shop import Shop, Visitor
from tests.toss_stand import Stand
from tests.village import enter, hana, minji, run


@pytest_asyncio.fixture(loop_scope="session")
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    shop.m.toss.breaker.answered()
    async with stand_of(shop) as stand:
        yield stand


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shop: Shop) -> Visitor:
    """The browser of somebody who runs the shop."""
    return await run(shop, await hana(shop.m))


async def paid(shop: Shop, stand: Stand, method: str = "CARD") -> tuple[str, Any]:
    buyer = Buyer(shop, shop.visitor(), stand)
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no, method)
    [attempt] = await attempts(shop, order_no)
    return order_no, attempt


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def form_of(desk: Visitor, attempt: Any) -> dict[str, Any]:
    page = await text(await desk.get(f"/admin/payments/{attempt.web_payment_id}"))
    found = re.search(r'name="nonce" value="([0-9a-f]{32})"', page)
    assert found, page
    return {"nonce": found[1], "amount": "15000", "reason": "단순 변심"}


@pytest.mark.parametrize("who", ["guest", "member"])
async def test_to_everybody_else_the_pages_do_not_exist(shop: Shop, stand: Stand, who: str) -> None:
    order_no, attempt = await paid(shop, stand)
    visitor = shop.visitor() if who == "guest" else await enter(shop, await minji(shop.m))
    here = f"/admin/payments/{attempt.web_payment_id}"
    for url in ("/admin/payments", here):
        assert (await visitor.get(url)).status_code == 404
    form: dict[str, Any] = {"nonce": "0" * 32, "amount": "1000", "reason": "x"}
    for url in (f"{here}/refunds", f"{here}/check"):
        assert (await visitor.post(url, **form)).status_code == 404
    assert await states(shop, order_no) == ("PAID", ["PAID"])


async def test_a_payment_is_returned_in_full(shop: Shop, stand: Stand, desk: Visitor) -> None:
    order_no, attempt = await paid(shop, stand)
    form = await form_of(desk, attempt)
    here = f"/admin/payments/{attempt.web_payment_id}"
    for _ in range(2):  # and the button is pressed again
        answer = await desk.post(f"{here}/refunds", **form)
        assert (answer.status_code, answer.headers["Location"]) == (303, here)
    page = await text(await desk.get(here))
    assert "환불 완료" in page
    assert "결제 취소" in page
    assert 'id="refund-amount"' not in page  # nothing is left to return
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    async with shop.m.db.read() as tx:
        [row] = (await tx.execute(select(refunds).where(refunds.c.refund_id == form["nonce"]))).all()
    assert row.requested_by is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "0"),
        ("amount", "15001"),
        ("amount", "many"),
        ("amount", "-1"),
        ("reason", ""),
        ("reason", "가" * 101),
        ("nonce", "x"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    shop: Shop, stand: Stand, desk: Visitor, field: str, value: str
) -> None:
    order_no, attempt = await paid(shop, stand)
    form = await form_of(desk, attempt) | {field: value}
    answer = await desk.post(f"/admin/payments/{attempt.web_payment_id}/refunds", **form)
    page = await text(answer)
    assert answer.status_code == 422
    assert 'role="alert"' in page
    for name in ("amount", "reason", "nonce"):
        assert f'value="{form[name]}"' in page, name
    assert await states(shop, order_no) == ("PAID", ["PAID"])


async def test_more_than_is_left_is_refused_in_the_form(shop: Shop, stand: Stand, desk: Visitor) -> None:
    _, attempt = await paid(shop, stand)
    url = f"/admin/payments/{attempt.web_payment_id}/refunds"
    await desk.post(url, **(await form_of(desk, attempt) | {"amount": "10000"}))
    answer = await desk.post(url, **(await form_of(desk, attempt) | {"amount": "5001"}))
    assert answer.status_code == 422
    assert "남은 금액을 확인해 주십시오" in await text(answer)
    assert "남은 금액은 5,000원입니다" in await text(answer)


async def test_a_deposit_needs_an_account(shop: Shop, stand: Stand, desk: Visitor) -> None:
    order_no, attempt = await paid(shop, stand, "VIRTUAL_ACCOUNT")
    here = f"/admin/payments/{attempt.web_payment_id}"
    await stand.act(attempt.payment_key, "deposit")
    assert (await desk.post(f"{here}/check")).status_code == 303
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    form = await form_of(desk, attempt)
    answer = await desk.post(f"{here}/refunds", **form, bank="xx", account_number="12", holder_name="")
    page = await text(answer)
    assert answer.status_code == 422
    for sentence in ("은행을 목록에서", "계좌번호를 숫자 6자리에서", "예금주를 입력해"):
        assert sentence in page
    account: dict[str, Any] = {"bank": "06", "account_number": "123-4567-890123", "holder_name": "김민지"}
    answer = await desk.post(f"{here}/refunds", **form, **account)
    assert answer.status_code == 303
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert "1234567890123" not in await text(await desk.get(here))


async def test_what_waits_for_a_person_is_listed_and_leads_to_its_end(
    shop: Shop, stand: Stand, desk: Visitor
) -> None:
    buyer = Buyer(shop, shop.visitor(), stand)
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("other_amount")
    await buyer.pay(order_no)
    [attempt] = await attempts(shop, order_no)
    here = f"/admin/payments/{attempt.web_payment_id}"
    page = await text(await desk.get("/admin/payments"))
    assert here in page
    assert order_no in page
    await stand.fault("reject", on="cancel", code="REFUND_REJECTED")
    await desk.post(f"{here}/refunds", **(await form_of(desk, attempt) | {"amount": "15100"}))
    assert "REFUND_REJECTED" in await text(await desk.get("/admin/payments"))
    await desk.post(f"{here}/refunds", **(await form_of(desk, attempt) | {"amount": "15100"}))
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
    assert order_no not in await text(await desk.get("/admin/payments"))


async def test_a_payment_that_is_not_there_is_not_found(desk: Visitor) -> None:
    assert (await desk.get("/admin/payments/999999999")).status_code == 404
    assert (await desk.post("/admin/payments/999999999/check")).status_code == 404
    assert (await desk.post("/admin/payments/x/check")).status_code == 404


async def test_toss_away_is_said_to_the_operator(shop: Shop, stand: Stand, desk: Visitor) -> None:
    _, attempt = await paid(shop, stand)
    await stand.fault("html_before", on="lookup")
    answer = await desk.post(f"/admin/payments/{attempt.web_payment_id}/check")
    assert answer.status_code == 503
    assert "토스가 응답하지 않습니다" in await text(answer)
