"""The Toss sandbox keeps Toss's contract: API, clocks, idempotency, webhooks, window and widget."""

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from sandbox.toss.config import DOCS_SECRET_KEY, Config
from tests.toss_stand import Stand, basic, code, running_sandbox

KEY_ORDER = [
    "mId",
    "lastTransactionKey",
    "paymentKey",
    "orderId",
    "orderName",
    "taxExemptionAmount",
    "status",
    "requestedAt",
    "approvedAt",
    "useEscrow",
    "cultureExpense",
    "card",
    "virtualAccount",
    "transfer",
    "mobilePhone",
    "giftCertificate",
    "cashReceipt",
    "cashReceipts",
    "discount",
    "cancels",
    "secret",
    "type",
    "easyPay",
    "country",
    "failure",
    "isPartialCancelable",
    "receipt",
    "checkout",
    "currency",
    "totalAmount",
    "balanceAmount",
    "suppliedAmount",
    "vat",
    "taxFreeAmount",
    "method",
    "version",
    "metadata",
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(hang_seconds=30)) as running:
        yield running


async def test_basic_authentication_is_read_as_strictly_as_toss_does(stand: Stand) -> None:
    async def ask(headers: dict[str, str]) -> httpx.Response:
        return await stand.http.get("/v1/payments/none", headers=headers)

    assert code(await ask(basic(DOCS_SECRET_KEY))) == (403, "INCORRECT_BASIC_AUTH_FORMAT")
    assert code(await ask({"Authorization": "Basic ***"})) == (403, "INCORRECT_BASIC_AUTH_FORMAT")
    assert code(await ask(basic("test_sk_zXLkKEyp:"))) == (400, "INVALID_API_KEY")
    unknown = await ask(basic("test_gsk_wrong:"))
    assert unknown.json() == {
        "code": "UNAUTHORIZED_KEY",
        "message": "인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.",
        "data": None,
    }
    assert (await ask({})).status_code == 401
    assert code(await ask(basic())) == (404, "NOT_FOUND_PAYMENT")


async def test_the_test_header_speaks_before_anything_is_looked_at(stand: Stand) -> None:
    for wanted, status in (
        ("REJECT_CARD_PAYMENT", 403),
        ("ALREADY_PROCESSED_PAYMENT", 400),
        ("IDEMPOTENT_REQUEST_PROCESSING", 409),
        ("DUPLICATED_ORDER_ID", 400),
        ("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", 500),
        ("COMMON_ERROR", 500),
    ):
        reply = await stand.confirm("fake", "fake", TossPayments_Test_Code=wanted)
        assert code(reply) == (status, wanted)


async def test_messages_follow_the_language_and_answers_carry_a_trace(stand: Stand) -> None:
    korean = await stand.confirm("fake", "fake")
    english = await stand.confirm("fake", "fake", Accept_Language="en-US")
    assert korean.json()["message"].startswith("결제 시간이 만료되어")
    assert english.json()["message"].isascii()
    assert korean.headers["X-TossPayments-Trace-Id"] != english.headers["X-TossPayments-Trace-Id"]


async def test_an_address_that_is_none_answers_json(stand: Stand) -> None:
    assert code(await stand.http.get("/v1/nothing/here", headers=basic())) == (404, "NOT_FOUND")


async def test_the_payment_object_is_whole_and_in_order(stand: Stand) -> None:
    payment_key, order_id = await stand.approve(50_000, metadata={"a": "b"})
    paid = (await stand.confirm(payment_key, order_id, "50000")).json()

    assert list(paid) == KEY_ORDER
    assert (paid["vat"], paid["suppliedAmount"], paid["metadata"]) == (4_545, 45_455, {"a": "b"})
    assert paid["approvedAt"].endswith("+09:00")
    assert (paid["type"], paid["country"], paid["currency"]) == ("NORMAL", "KR", "KRW")
    assert paid["paymentKey"].startswith("tgen_20")
    assert len(paid["paymentKey"]) == len("tgen_") + 14 + 5


async def test_nothing_but_the_agreed_order_and_amount_is_approved(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()

    assert code(await stand.confirm(payment_key, "other-order")) == (403, "FORBIDDEN_REQUEST")
    assert code(await stand.confirm(payment_key, order_id, 1)) == (400, "INVALID_REQUEST")
    assert code(await stand.confirm(payment_key, order_id, 15_000.5)) == (400, "INVALID_REQUEST")
    assert code(await stand.confirm("tgen_none", order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
    assert (await stand.confirm(payment_key, order_id)).status_code == 200
    assert code(await stand.confirm(payment_key, order_id)) == (400, "ALREADY_PROCESSED_PAYMENT")


async def test_a_buyer_who_never_approved_is_not_charged(stand: Stand) -> None:
    payment_key, order_id = await stand.open()
    assert code(await stand.confirm(payment_key, order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
    assert (await stand.look_up(payment_key))["status"] == "READY"


async def test_an_order_is_paid_once_however_many_windows_were_open(stand: Stand) -> None:
    first, order_id = await stand.approve()
    second, _ = await stand.approve(orderId=order_id)

    assert (await stand.confirm(first, order_id)).status_code == 200
    assert code(await stand.confirm(second, order_id)) == (400, "DUPLICATED_ORDER_ID")
    found = await stand.http.get(f"/v1/payments/orders/{order_id}", headers=basic())
    assert found.json()["paymentKey"] == first
    assert await stand.charges(order_id) == 1


async def test_parallel_confirms_charge_once(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    replies = await asyncio.gather(*(stand.confirm(payment_key, order_id) for _ in range(20)))
    assert [reply.status_code for reply in replies].count(200) == 1
    assert await stand.charges(order_id) == 1


async def test_the_clocks_run_out() -> None:
    async with running_sandbox(Config()) as stand:
        approved, order_id = await stand.approve()
        opened, _ = await stand.open()
        account, _ = await stand.approve(method="VIRTUAL_ACCOUNT")
        await stand.confirm(account, (await stand.look_up(account))["orderId"])
        await stand.skip(601)
        assert code(await stand.confirm(approved, order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
        expired = await stand.look_up(approved)
        assert (expired["status"], expired["failure"]["code"]) == ("EXPIRED", "EXPIRED_PAYMENT")
        assert (await stand.look_up(opened))["status"] == "READY"
        await stand.skip(1_200)
        gone = await stand.look_up(opened)
        assert (gone["status"], gone["method"]) == ("EXPIRED", None)
        await stand.skip(8 * 86_400)
        waiting = await stand.look_up(account)
        assert (waiting["status"], waiting["virtualAccount"]["expired"]) == ("WAITING_FOR_DEPOSIT", True)


async def test_the_code_for_another_amount_is_a_setting() -> None:
    async with running_sandbox(Config(amount_mismatch_code="FORBIDDEN_REQUEST")) as stand:
        payment_key, order_id = await stand.approve()
        assert code(await stand.confirm(payment_key, order_id, 1)) == (403, "FORBIDDEN_REQUEST")


async def test_the_first_answer_is_the_answer_errors_included(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    once, failing = secrets.token_hex(8), secrets.token_hex(8)

    wrong = await stand.confirm(payment_key, order_id, 1, Idempotency_Key=failing)
    again = await stand.confirm(payment_key, order_id, 15_000, Idempotency_Key=failing)
    assert code(wrong) == code(again) == (400, "INVALID_REQUEST")
    first = await stand.confirm(payment_key, order_id, Idempotency_Key=once)
    other = await stand.confirm("another", "another", Idempotency_Key=once)
    assert first.json() == other.json()
    assert await stand.charges(order_id) == 1


async def test_a_key_is_of_one_path_and_has_its_length(stand: Stand) -> None:
    payment_key, order_id = await stand.approve()
    once = secrets.token_hex(8)
    await stand.confirm(payment_key, order_id, Idempotency_Key=once)
    returned = await stand.http.post(
        f"/v1/payments/{payment_key}/cancel",
        json={"cancelReason": "시험"},
        headers=basic() | {"Idempotency-Key": once},
    )
    assert returned.json()["status"] == "CANCELED"
    long = await stand.confirm(payment_key, order_id, Idempotency_Key="k" * 301)
    assert code(long) == (400, "INVALID_IDEMPOTENCY_KEY")


async def test_a_key_is_forgotten_after_fifteen_days() -> None:
    async with running_sandbox(Config()) as stand:
        payment_key, order_id = await stand.approve()
        await stand.confirm(payment_key, order_id, Idempotency_Key="once")
        await stand.skip(15 * 86_400 + 1)
        later = await stand.confirm(payment_key, order_id, Idempotency_Key="once")
        assert code(later) == (400, "ALREADY_PROCESSED_PAYMENT")


async def test_only_what_was_paid_can_be_returned(stand: Stand) -> None:
    payment_key, order_id = await stand.approve(10_000)
    assert code(await stand.cancel(payment_key)) == (403, "NOT_CANCELABLE_PAYMENT")
    await stand.confirm(payment_key, order_id, 10_000)
    assert code(await stand.cancel(payment_key, cancelReason="")) == (400, "INVALID_REQUEST")
    assert code(await stand.cancel(payment_key, cancelReason="가" * 201)) == (400, "INVALID_REQUEST")
    assert code(await stand.cancel(payment_key, cancelAmount=0)) == (400, "INVALID_REQUEST")
    assert code(await stand.cancel(payment_key, cancelAmount=10_001)) == (403, "NOT_CANCELABLE_AMOUNT")
    mismatch = await stand.cancel(payment_key, cancelAmount=1, refundableAmount=9_999)
    assert code(mismatch) == (400, "NOT_MATCHES_REFUNDABLE_AMOUNT")
    part = (await stand.cancel(payment_key, cancelAmount=1_000, refundableAmount=10_000)).json()
    assert (part["status"], part["balanceAmount"], part["vat"]) == ("PARTIAL_CANCELED", 9_000, 818)
    assert part["cancels"][0]["transactionKey"] == part["lastTransactionKey"]
    rest = (await stand.cancel(payment_key)).json()
    assert (rest["status"], [each["cancelAmount"] for each in rest["cancels"]]) == (
        "CANCELED",
        [1_000, 9_000],
    )
    assert code(await stand.cancel(payment_key)) == (400, "ALREADY_CANCELED_PAYMENT")
    assert (await stand.ledger())["kept"][order_id] == 0


async def test_a_virtual_account_is_returned_to_an_account(stand: Stand) -> None:
    payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
    assert (await stand.look_up(payment_key))["status"] == "READY"
    assert (await stand.confirm(payment_key, order_id)).json()["status"] == "WAITING_FOR_DEPOSIT"
    part = await stand.cancel(payment_key, cancelAmount=1)
    assert code(part) == (403, "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT")
    await stand.act(payment_key, "deposit")
    assert code(await stand.cancel(payment_key)) == (400, "INVALID_REQUEST")
    account = {"bank": "06", "accountNumber": "123", "holderName": "홍길동"}
    returned = (await stand.cancel(payment_key, refundReceiveAccount=account)).json()
    assert returned["virtualAccount"]["refundReceiveAccount"]["holderName"] == "홍길동"
    assert returned["virtualAccount"]["refundStatus"] == "COMPLETED"


async def test_an_account_nobody_paid_into_is_closed(stand: Stand) -> None:
    payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
    await stand.confirm(payment_key, order_id)
    assert (await stand.cancel(payment_key)).json()["status"] == "CANCELED"
    assert (await stand.ledger())["kept"].get(order_id, 0) == 0


async def test_transactions_list_every_movement_of_a_day() -> None:
    async with running_sandbox(Config()) as stand:
        payment_key, order_id = await stand.approve(10_000)
        await stand.confirm(payment_key, order_id, 10_000)
        await stand.cancel(payment_key, cancelAmount=4_000)

        async def ask(**query: str) -> httpx.Response:
            return await stand.http.get("/v1/transactions", params=query, headers=basic())

        span = {"startDate": "2020-01-01T00:00:00", "endDate": "2099-01-01T00:00:00+09:00"}
        rows = (await ask(**span)).json()
        assert [(row["status"], row["amount"]) for row in rows] == [
            ("DONE", 10_000),
            ("PARTIAL_CANCELED", -4_000),
        ]
        assert (await ask(**span, startingAfter=rows[0]["transactionKey"])).json() == rows[1:]
        assert (await ask(**span, limit="1")).json() == rows[:1]
        assert code(await ask(startDate="2020-01-01T00:00:00Z", endDate="x")) == (400, "INVALID_DATE")
        assert code(await ask(**span, limit="x")) == (400, "INVALID_REQUEST")


async def test_it_runs_alone_and_stops_when_told() -> None:
    command = (sys.executable, "-m", "sandbox.toss", "--bind", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    address = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "토스 샌드박스" in (await http.get(address)).text
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
