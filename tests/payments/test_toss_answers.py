"""What the Toss client makes of odd answers, of garbage and of silence."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from app.payments.payment import CashReceipt, MalformedPaymentError, read_payment
from app.payments.refusals import say
from app.payments.toss import Toss, TossError, TossRefused, TossUnknown
from app.payments.verdicts import documented, verdict
from tests.toss_stand import answer, running_listener

PAYMENT = {
    "paymentKey": "tgen_1",
    "orderId": "order-1",
    "status": "DONE",
    "currency": "KRW",
    "totalAmount": 15000,
    "balanceAmount": 15000,
    "approvedAt": "2026-01-02T09:00:00+09:00",
}


@asynccontextmanager
async def asking(raw: bytes) -> AsyncIterator[Toss]:
    """A client whose Toss answers exactly these bytes."""
    async with running_listener(raw) as listener:
        client = Toss(listener.url, "test_gsk_x", read_seconds=0.5)
        yield client
        await client.close()


def key() -> str:
    return secrets.token_hex(16)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, "REJECT_CARD_PAYMENT", TossRefused),
        (400, "PROVIDER_ERROR", TossUnknown),
        (403, "SOMETHING_NEW", TossUnknown),
        (403, "NOT_CANCELABLE_AMOUNT", TossUnknown),
        (429, "REJECT_CARD_PAYMENT", TossUnknown),
        (302, "REJECT_CARD_PAYMENT", TossUnknown),
        (400, "lower case", TossUnknown),
    ],
)
async def test_the_code_decides_and_not_the_status(status: int, code: str, kind: type[TossError]) -> None:
    body = json.dumps({"code": code, "message": "x"})
    async with asking(answer(status, body, "Location: /elsewhere")) as client:
        with pytest.raises(TossError) as caught:
            await client.confirm("tgen_1", "order-1", 15_000, key())
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "raw",
    [
        answer(200, ""),
        answer(200, "[]"),
        answer(200, "null"),
        answer(200, '{"paymentKey": "tgen_1"'),
        answer(200, b"\xff\xfe"),
        answer(200, "[" * 100_000),
        answer(200, json.dumps({**PAYMENT, "balanceAmount": float("nan")})),
        answer(200, json.dumps({"code": "REJECT_CARD_PAYMENT", "message": "x"})),
        answer(204),
        answer(502, "<html>Bad Gateway</html>"),
        answer(503, json.dumps({"code": 7})),
        answer(302, "", "Location: https://example.invalid/"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_garbage_is_an_unknown_outcome(raw: bytes) -> None:
    async with asking(raw) as client:
        for call in (
            client.confirm("tgen_1", "order-1", 15_000, key()),
            client.find_by_order("order-1"),
            client.cancel("tgen_1", "시험", key()),
        ):
            with pytest.raises(TossUnknown):
                await call


@pytest.mark.parametrize(
    "changed",
    [
        {"paymentKey": None},
        {"paymentKey": "k" * 201},
        {"orderId": 7},
        {"status": ""},
        {"status": "DO\ud800NE"},
        {"currency": ["KRW"]},
        {"totalAmount": "15000"},
        {"totalAmount": True},
        {"totalAmount": 1500.5},
        {"totalAmount": -1},
        {"totalAmount": 10**30},
        {"balanceAmount": None},
        {"approvedAt": "2026-01-02T09:00:00"},
        {"approvedAt": 1767312000},
        {"approvedAt": "0001-01-01T00:00:00+09:00"},
    ],
)
def test_a_wrong_type_where_money_hangs_on_it_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(MalformedPaymentError):
        read_payment({**PAYMENT, **changed})


def test_what_only_adorns_the_receipt_is_read_leniently() -> None:
    odd = {
        "totalAmount": 15000.0,
        "status": "SOMETHING_NEW",
        "card": {"number": 1, "issuerCode": "11", "new": {}},
        "virtualAccount": [],
        "easyPay": "토스페이",
        "receipt": {"url": "javascript:alert(1)"},
        "discount": {"amount": 500},
        "secret": "s" * 51,
        "newest": None,
    }
    paid = read_payment({**PAYMENT, **odd})

    assert (paid.total_amount, paid.status, paid.discount) == (15_000, "SOMETHING_NEW", 500)
    assert paid.card
    assert (paid.card.issuer_code, paid.card.number) == ("11", None)
    assert (paid.account, paid.easy_pay_provider, paid.receipt_url, paid.secret) == (None, None, None, None)
    assert paid.approved_at == datetime(2026, 1, 2)  # noqa: DTZ001 - naive UTC is meant
    assert paid.raw["newest"] is None


async def test_a_trickle_is_cut_off() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = Toss(f"http://127.0.0.1:{port}", "test_gsk_x", connect_seconds=0.2, read_seconds=0.3)
        async with asyncio.timeout(2):
            with pytest.raises(TossUnknown, match="timeout"):
                await client.find_by_order("order-1")
        await client.close()


async def test_nobody_listening_is_an_unknown_outcome() -> None:
    client = Toss("http://127.0.0.1:1", "test_gsk_x")
    with pytest.raises(TossUnknown, match="connection"):
        await client.confirm("tgen_1", "order-1", 15_000, key())
    await client.close()


def test_every_sentence_says_that_nothing_was_paid() -> None:
    for code, row in documented().items():
        if row["confirm"] == "F":
            assert "결제되지 않았습니다." in say(code), code
    assert "결제되지 않았습니다." in say("SOMETHING_NEW")
    assert say("PAY_PROCESS_CANCELED").startswith("결제를 취소하셨습니다.")


def test_an_undocumented_code_is_unknown_for_every_call() -> None:
    assert {verdict(call, "SOMETHING_NEW").name for call in ("confirm", "lookup", "cancel")} == {"UNKNOWN"}


def test_what_the_tax_office_was_told_is_read_and_what_is_odd_in_it_is_left_out() -> None:
    told = {
        "type": "소득공제",
        "issueNumber": "123456789",
        "receiptUrl": "https://dashboard.tosspayments.com/r",
    }
    read = read_payment(PAYMENT | {"cashReceipt": told}).cash_receipt
    assert read == CashReceipt("소득공제", "123456789", "https://dashboard.tosspayments.com/r")
    odd = {"type": "지출증빙", "issueNumber": 7, "receiptUrl": "javascript:alert(1)"}
    assert read_payment(PAYMENT | {"cashReceipt": odd}).cash_receipt == CashReceipt("지출증빙", "", None)
    nothings: list[object] = [None, {}, [], {"type": None}, "x"]
    for nothing in nothings:
        assert read_payment(PAYMENT | {"cashReceipt": nothing}).cash_receipt is None
