"""The sandbox's pages: the window and its buttons, the card slip, the desk."""

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.toss.config import Config
from sandbox.toss.faults import KINDS
from tests.toss_stand import Stand, code, running_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(hang_seconds=30)) as running:
        yield running


async def test_each_button_leads_back_with_its_query(stand: Stand) -> None:
    payment_key, order_id = await stand.open(successUrl="http://shop.invalid/done?a=1")
    closed = await stand.http.post(f"/sandbox/window/{payment_key}", data={"outcome": "close"})
    assert closed.status_code == 200
    assert "location" not in closed.headers
    assert await stand.decide(payment_key, "cancel") == {
        "path": "/fail",
        "order": "1",
        "code": "PAY_PROCESS_CANCELED",
        "message": "사용자에 의해 결제가 취소되었습니다.",
    }
    done = {
        "path": "/done",
        "a": "1",
        "paymentType": "NORMAL",
        "amount": "15000",
        "orderId": order_id,
        "paymentKey": payment_key,
    }
    assert await stand.decide(payment_key) == done
    assert await stand.decide(payment_key) == done  # Back, and the same button again
    await stand.confirm(payment_key, order_id)
    assert (
        await stand.http.post(f"/sandbox/window/{payment_key}", data={"outcome": "approve"})
    ).status_code == 409


async def test_a_declined_card_is_aborted(stand: Stand) -> None:
    payment_key, order_id = await stand.open()
    back = await stand.decide(payment_key, "decline")
    assert (back["code"], back["orderId"]) == ("REJECT_CARD_COMPANY", order_id)
    assert (await stand.look_up(payment_key))["status"] == "ABORTED"
    assert code(await stand.confirm(payment_key, order_id)) == (400, "ALREADY_PROCESSED_PAYMENT")


async def test_the_window_says_what_it_is_and_what_is_paid(stand: Stand) -> None:
    payment_key, order_id = await stand.open(12_900, orderName="<b>들기름</b>")
    page = await stand.http.get(f"/sandbox/window/{payment_key}")
    for words in (
        "테스트 결제창",
        "12,900원",
        "&lt;b&gt;들기름&lt;/b&gt;",
        order_id,
        "결제 승인",
        "카드 거절",
    ):
        assert words in page.text
    assert "http://shop.invalid" in page.headers["Content-Security-Policy"]
    assert (await stand.http.get("/sandbox/window/none")).status_code == 404


async def test_the_slip_exists_once_money_moved(stand: Stand) -> None:
    payment_key, order_id = await stand.approve(11_111)
    url = f"/sandbox/receipts/{payment_key}"
    assert (await stand.http.get(url)).status_code == 404
    await stand.confirm(payment_key, order_id, 11_111)
    slip = await stand.http.get(url)
    assert "10,101원" in slip.text
    assert "1,010원" in slip.text


async def test_the_desk_lists_payments_and_faults(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    await stand.confirm(payment_key, order_id)
    desk = (await stand.http.get("/sandbox")).text
    assert payment_key in desk
    assert all(kind in desk for kind in KINDS)
    refused = await stand.http.post(f"/sandbox/payments/{payment_key}/deposit")
    assert (refused.status_code, "잘못된 요청" in refused.text) == (409, True)
    form = {
        "fault": "slow",
        "times": "1",
        "seconds": "1",
        "orderId": order_id,
        "amount": "",
        "on": "confirm",
    }
    assert (await stand.http.post("/sandbox/faults", data=form)).status_code == 303


async def test_a_payment_the_widget_would_not_open_is_refused(stand: Stand) -> None:
    asked = {
        "clientKey": stand.config.client_key,
        "amount": 100,
        "method": "CARD",
        "orderId": "order-12",
        "orderName": "이름",
        "successUrl": "http://shop.invalid/",
        "failUrl": "http://shop.invalid/",
    }
    for wrong in (
        {"amount": "100"},
        {"amount": 0},
        {"method": "COIN"},
        {"orderId": "short"},
        {"orderName": ""},
        {"successUrl": "/done"},
        {"failUrl": "javascript:alert(1)"},
    ):
        reply = await stand.http.post("/sandbox/payments", json={**asked, **wrong})
        assert code(reply) == (400, "INVALID_PARAMETERS"), wrong
    other = await stand.http.post("/sandbox/payments", json={**asked, "clientKey": "test_gck_other"})
    assert code(other) == (401, "UNAUTHORIZED_KEY")
    preflight = await stand.http.options("/sandbox/payments")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
