"""The Toss client: what it makes of every answer, and of no answer."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from app.infra.breaker import Breaker
from app.payments.institutions import bank_name, card_name
from app.payments.toss import RefundAccount, Toss, TossBusy, TossError, TossRefused, TossUnknown
from app.payments.verdicts import documented
from sandbox.toss.codes import CODES
from sandbox.toss.config import DOCS_SECRET_KEY, Config
from tests.toss_stand import Stand, running_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(hang_seconds=30)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def toss(stand: Stand) -> AsyncIterator[Toss]:
    client = Toss(stand.url, stand.config.secret_key, read_seconds=0.5)
    client.breaker = Breaker(
        "toss", failures=1_000, open_seconds=3.0
    )  # here all goes wrong, one thing after the other
    yield client
    await client.close()


def key() -> str:
    return secrets.token_hex(16)


async def test_a_card_payment_is_confirmed_with_everything_we_need(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve(50_000)

    paid = await toss.confirm(payment_key, order_id, 50_000, key())

    assert (paid.payment_key, paid.order_id, paid.status) == (payment_key, order_id, "DONE")
    assert (paid.method, paid.currency, paid.total_amount, paid.balance_amount) == (
        "카드",
        "KRW",
        50_000,
        50_000,
    )
    assert (paid.supplied_amount, paid.vat, paid.discount) == (45_455, 4_545, 0)
    assert paid.approved_at is not None
    assert paid.approved_at.tzinfo is None
    assert abs(paid.approved_at - datetime.now(UTC).replace(tzinfo=None)) < timedelta(seconds=5)
    assert paid.card
    assert card_name(paid.card.issuer_code) == "국민카드"
    assert paid.card.number
    assert "*" in paid.card.number
    assert paid.receipt_url == f"{stand.url}/sandbox/receipts/{payment_key}"
    assert paid.secret
    assert paid.secret.startswith("ps_")
    assert paid.raw["orderName"] == "들기름 외 1건"
    assert paid.account is None


async def test_easy_pay_names_its_provider(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve(9_026, "TOSSPAY")

    paid = await toss.confirm(payment_key, order_id, 9_026, key())

    assert (paid.method, paid.easy_pay_provider, paid.vat) == ("간편결제", "토스페이", 821)


async def test_a_virtual_account_waits_for_its_deposit(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve(20_000, "VIRTUAL_ACCOUNT", customerName="김마당")

    waiting = await toss.confirm(payment_key, order_id, 20_000, key())

    assert (waiting.status, waiting.approved_at) == ("WAITING_FOR_DEPOSIT", None)
    assert waiting.account
    assert waiting.account.account_number
    assert waiting.account.account_number.startswith("X")
    assert bank_name(waiting.account.bank_code) == "국민은행"
    assert waiting.account.customer_name == "김마당"
    assert waiting.account.due_at is not None
    assert waiting.account.due_at.tzinfo is None
    assert not waiting.account.expired
    assert await stand.charges(order_id) == 0

    await stand.act(payment_key, "deposit")
    paid = await toss.find_by_order(order_id)
    assert paid
    assert (paid.status, await stand.charges(order_id)) == ("DONE", 1)

    account = RefundAccount("06", "12345678901234", "김마당")
    returned = await toss.cancel(payment_key, "단순 변심", key(), refund_account=account)
    assert (returned.status, returned.balance_amount) == ("CANCELED", 0)


async def test_looking_up_finds_by_either_name(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve()

    by_order, by_key = await toss.find_by_order(order_id), await toss.find_by_key(payment_key)

    assert by_order
    assert by_order.status == "IN_PROGRESS"
    assert by_order == by_key


async def test_only_a_clear_no_such_payment_is_none(stand: Stand, toss: Toss) -> None:
    assert await toss.find_by_order("order-nobody-made") is None
    assert await toss.find_by_key("tgen_nobody?made=this#&%") is None

    _, order_id = await stand.approve()
    await stand.fault("reject", on="lookup", code="NOT_FOUND", match={"orderId": order_id})
    with pytest.raises(TossUnknown):
        await toss.find_by_order(order_id)


async def test_the_same_idempotency_key_charges_once(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve()
    once = key()

    first = await toss.confirm(payment_key, order_id, 15_000, once)
    assert await toss.confirm(payment_key, order_id, 15_000, once) == first
    with pytest.raises(TossBusy, match="ALREADY_PROCESSED_PAYMENT"):
        await toss.confirm(payment_key, order_id, 15_000, key())

    assert await stand.charges(order_id) == 1


async def test_parts_are_returned_until_nothing_is_left(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve(10_000)
    await toss.confirm(payment_key, order_id, 10_000, key())

    part = await toss.cancel(payment_key, "한 개 반품", key(), amount=4_000)
    assert (part.status, part.total_amount, part.balance_amount, part.vat) == (
        "PARTIAL_CANCELED",
        10_000,
        6_000,
        545,
    )
    with pytest.raises(TossRefused, match="NOT_CANCELABLE_AMOUNT"):
        await toss.cancel(payment_key, "너무 많음", key(), amount=6_001)
    rest = await toss.cancel(payment_key, "나머지", key())
    assert (rest.status, rest.balance_amount) == ("CANCELED", 0)
    with pytest.raises(TossBusy, match="ALREADY_CANCELED_PAYMENT"):
        await toss.cancel(payment_key, "또", key())
    assert (await stand.ledger())["kept"][order_id] == 0


@pytest.mark.parametrize(
    ("call", "letter", "code"),
    [
        (call, letter, code)
        for code, row in documented().items()
        for call, letter in row.items()
        if letter != "-"
    ],
)
async def test_every_documented_code_is_judged(
    stand: Stand, toss: Toss, call: str, letter: str, code: str
) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault("reject", on=call, code=code, match={"orderId": order_id})

    if call == "confirm":
        asking: Awaitable[object] = toss.confirm(payment_key, order_id, 15_000, key())
    elif call == "lookup":
        asking = toss.find_by_order(order_id)
    else:
        asking = toss.cancel(payment_key, "시험", key())
    with pytest.raises(TossError) as caught:
        await asking

    problem = caught.value
    assert type(problem) is {"F": TossRefused, "M": TossRefused, "D": TossBusy, "U": TossUnknown}[letter]
    if isinstance(problem, TossRefused):
        assert (problem.code, problem.misconfigured) == (code, letter == "M")
        assert problem.message == CODES[code].message
    assert await stand.charges(order_id) == 0


def test_the_table_is_as_long_as_the_documentation() -> None:
    columns = {call: [row[call] for row in documented().values()] for call in ("confirm", "lookup", "cancel")}
    # 48 documented, 2 of idempotency, 2 seen with the test header; 7 but NOT_FOUND_PAYMENT; 30 and 2.
    assert {call: sum(letter != "-" for letter in column) for call, column in columns.items()} == {
        "confirm": 52,
        "lookup": 6,
        "cancel": 32,
    }
    assert set(documented()) <= set(CODES)


@pytest.mark.parametrize(
    ("kind", "charged"),
    [
        ("timeout_before", 0),
        ("timeout_after", 1),
        ("reset_before", 0),
        ("reset_after", 1),
        ("html_before", 0),
        ("html_after", 1),
        ("truncated", 1),
        ("too_many", 0),
    ],
)
async def test_after_any_fault_the_same_key_ends_in_one_charge(
    stand: Stand, toss: Toss, kind: str, charged: int
) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault(kind, match={"orderId": order_id})
    once = key()

    with pytest.raises(TossUnknown):
        await toss.confirm(payment_key, order_id, 15_000, once)
    assert await stand.charges(order_id) == charged
    found = await toss.find_by_order(order_id)
    assert found
    assert found.status == ("DONE" if charged else "IN_PROGRESS")

    assert (await toss.confirm(payment_key, order_id, 15_000, once)).status == "DONE"
    assert await stand.charges(order_id) == 1


async def test_a_request_that_arrives_late_charges_once(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault("late", seconds=0.8, match={"orderId": order_id})
    once = key()

    with pytest.raises(TossUnknown, match="timeout"):
        await toss.confirm(payment_key, order_id, 15_000, once)
    await toss.confirm(payment_key, order_id, 15_000, once)
    await asyncio.sleep(0.6)  # the late one arrives meanwhile

    assert await stand.charges(order_id) == 1


async def test_while_the_first_is_at_work_the_same_key_is_told_to_wait(stand: Stand, toss: Toss) -> None:
    payment_key, order_id = await stand.approve()
    await stand.fault("slow", seconds=0.8, match={"orderId": order_id})
    once = key()

    with pytest.raises(TossUnknown, match="timeout"):
        await toss.confirm(payment_key, order_id, 15_000, once)
    with pytest.raises(TossBusy, match="IDEMPOTENT_REQUEST_PROCESSING"):
        await toss.confirm(payment_key, order_id, 15_000, once)
    with pytest.raises(TossBusy, match="ALREADY_PROCESSING_REQUEST"):
        await toss.confirm(payment_key, order_id, 15_000, key())
    await stand.until(lambda books: order_id in books["charges"])

    assert (await toss.confirm(payment_key, order_id, 15_000, once)).status == "DONE"
    assert await stand.charges(order_id) == 1


async def test_a_wrong_key_is_our_own_fault(stand: Stand) -> None:
    for secret, code in (("test_gsk_wrong", "UNAUTHORIZED_KEY"), ("test_sk_other", "INVALID_API_KEY")):
        client = Toss(stand.url, secret)
        with pytest.raises(TossRefused, match=code) as caught:
            await client.confirm("tgen_1", "order-1", 15_000, key())
        assert caught.value.misconfigured
        await client.close()


async def test_the_log_holds_the_trace_and_no_secrets(
    stand: Stand, toss: Toss, caplog: pytest.LogCaptureFixture
) -> None:
    payment_key, order_id = await stand.approve()
    with caplog.at_level(logging.DEBUG, "app"), caplog.at_level(logging.DEBUG, "httpcore"):
        toss_only = logging.getLogger("app.payments.toss")
        assert toss_only.isEnabledFor(logging.INFO)
        await toss.confirm(payment_key, order_id, 15_000, key())
        await toss.cancel(payment_key, "비밀 사유", key())

    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("app", "httpx"))]
    assert len(ours) == 2
    assert all("status 200" in line and "trace -" not in line for line in ours)
    for hidden in (DOCS_SECRET_KEY, payment_key, order_id, "비밀"):
        assert not any(hidden in line for line in ours)
