"""The Toss sandbox keeps Toss's contract: API, clocks, idempotency, webhooks, window and widget."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from sandbox.toss.config import DOCS_SECRET_KEY, Config
from sandbox.toss.faults import KINDS, MAGIC_AMOUNTS
from tests.toss_stand import Json, Listener, Stand, answer, running_listener, running_sandbox

KEY_ORDER = """mId lastTransactionKey paymentKey orderId orderName taxExemptionAmount status requestedAt approvedAt
    useEscrow cultureExpense card virtualAccount transfer mobilePhone giftCertificate cashReceipt cashReceipts
    discount cancels secret type easyPay country failure isPartialCancelable receipt checkout currency totalAmount
    balanceAmount suppliedAmount vat taxFreeAmount method version metadata""".split()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(hang_seconds=30)) as running:
        yield running


def basic(secret: str = f"{DOCS_SECRET_KEY}:", **more: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}", **more}


async def confirm(
    stand: Stand, payment_key: str, order_id: str, amount: object = 15_000, **headers: str
) -> httpx.Response:
    body = {"paymentKey": payment_key, "orderId": order_id, "amount": amount}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await stand.http.post("/v1/payments/confirm", json=body, headers=basic() | names)


async def cancel(stand: Stand, payment_key: str, **body: object) -> httpx.Response:
    asked = {"cancelReason": "시험", **body}
    return await stand.http.post(f"/v1/payments/{payment_key}/cancel", json=asked, headers=basic())


async def look_up(stand: Stand, payment_key: str) -> Json:
    read: Json = (await stand.http.get(f"/v1/payments/{payment_key}", headers=basic())).json()
    return read


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


class TestDoor:
    async def test_basic_authentication_is_read_as_strictly_as_toss_does(self, stand: Stand) -> None:
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

    async def test_the_test_header_speaks_before_anything_is_looked_at(self, stand: Stand) -> None:
        for wanted, status in (
            ("REJECT_CARD_PAYMENT", 403),
            ("ALREADY_PROCESSED_PAYMENT", 400),
            ("IDEMPOTENT_REQUEST_PROCESSING", 409),
            ("DUPLICATED_ORDER_ID", 400),
            ("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", 500),
            ("COMMON_ERROR", 500),
        ):
            reply = await confirm(stand, "fake", "fake", TossPayments_Test_Code=wanted)
            assert code(reply) == (status, wanted)

    async def test_messages_follow_the_language_and_answers_carry_a_trace(self, stand: Stand) -> None:
        korean = await confirm(stand, "fake", "fake")
        english = await confirm(stand, "fake", "fake", Accept_Language="en-US")
        assert korean.json()["message"].startswith("결제 시간이 만료되어")
        assert english.json()["message"].isascii()
        assert korean.headers["X-TossPayments-Trace-Id"] != english.headers["X-TossPayments-Trace-Id"]

    async def test_an_address_that_is_none_answers_json(self, stand: Stand) -> None:
        assert code(await stand.http.get("/v1/nothing/here", headers=basic())) == (404, "NOT_FOUND")


class TestConfirm:
    async def test_the_payment_object_is_whole_and_in_order(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve(50_000, metadata={"a": "b"})
        paid = (await confirm(stand, payment_key, order_id, "50000")).json()

        assert list(paid) == KEY_ORDER
        assert (paid["vat"], paid["suppliedAmount"], paid["metadata"]) == (4_545, 45_455, {"a": "b"})
        assert paid["approvedAt"].endswith("+09:00")
        assert (paid["type"], paid["country"], paid["currency"]) == ("NORMAL", "KR", "KRW")
        assert paid["paymentKey"].startswith("tgen_20")
        assert len(paid["paymentKey"]) == len("tgen_") + 14 + 5

    async def test_nothing_but_the_agreed_order_and_amount_is_approved(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()

        assert code(await confirm(stand, payment_key, "other-order")) == (403, "FORBIDDEN_REQUEST")
        assert code(await confirm(stand, payment_key, order_id, 1)) == (400, "INVALID_REQUEST")
        assert code(await confirm(stand, payment_key, order_id, 15_000.5)) == (400, "INVALID_REQUEST")
        assert code(await confirm(stand, "tgen_none", order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
        assert (await confirm(stand, payment_key, order_id)).status_code == 200
        assert code(await confirm(stand, payment_key, order_id)) == (400, "ALREADY_PROCESSED_PAYMENT")

    async def test_a_buyer_who_never_approved_is_not_charged(self, stand: Stand) -> None:
        payment_key, order_id = await stand.open()
        assert code(await confirm(stand, payment_key, order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
        assert (await look_up(stand, payment_key))["status"] == "READY"

    async def test_an_order_is_paid_once_however_many_windows_were_open(self, stand: Stand) -> None:
        first, order_id = await stand.approve()
        second, _ = await stand.approve(orderId=order_id)

        assert (await confirm(stand, first, order_id)).status_code == 200
        assert code(await confirm(stand, second, order_id)) == (400, "DUPLICATED_ORDER_ID")
        found = await stand.http.get(f"/v1/payments/orders/{order_id}", headers=basic())
        assert found.json()["paymentKey"] == first
        assert await stand.charges(order_id) == 1

    async def test_parallel_confirms_charge_once(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        replies = await asyncio.gather(*(confirm(stand, payment_key, order_id) for _ in range(20)))
        assert [reply.status_code for reply in replies].count(200) == 1
        assert await stand.charges(order_id) == 1

    async def test_the_clocks_run_out(self) -> None:
        async with running_sandbox(Config()) as stand:
            approved, order_id = await stand.approve()
            opened, _ = await stand.open()
            account, _ = await stand.approve(method="VIRTUAL_ACCOUNT")
            await confirm(stand, account, (await look_up(stand, account))["orderId"])
            await stand.skip(601)
            assert code(await confirm(stand, approved, order_id)) == (404, "NOT_FOUND_PAYMENT_SESSION")
            expired = await look_up(stand, approved)
            assert (expired["status"], expired["failure"]["code"]) == ("EXPIRED", "EXPIRED_PAYMENT")
            assert (await look_up(stand, opened))["status"] == "READY"
            await stand.skip(1_200)
            gone = await look_up(stand, opened)
            assert (gone["status"], gone["method"]) == ("EXPIRED", None)
            await stand.skip(8 * 86_400)
            waiting = await look_up(stand, account)
            assert (waiting["status"], waiting["virtualAccount"]["expired"]) == ("WAITING_FOR_DEPOSIT", True)

    async def test_the_code_for_another_amount_is_a_setting(self) -> None:
        async with running_sandbox(Config(amount_mismatch_code="FORBIDDEN_REQUEST")) as stand:
            payment_key, order_id = await stand.approve()
            assert code(await confirm(stand, payment_key, order_id, 1)) == (403, "FORBIDDEN_REQUEST")


class TestIdempotency:
    async def test_the_first_answer_is_the_answer_errors_included(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        once, failing = secrets.token_hex(8), secrets.token_hex(8)

        wrong = await confirm(stand, payment_key, order_id, 1, Idempotency_Key=failing)
        again = await confirm(stand, payment_key, order_id, 15_000, Idempotency_Key=failing)
        assert code(wrong) == code(again) == (400, "INVALID_REQUEST")
        first = await confirm(stand, payment_key, order_id, Idempotency_Key=once)
        other = await confirm(stand, "another", "another", Idempotency_Key=once)
        assert first.json() == other.json()
        assert await stand.charges(order_id) == 1

    async def test_a_key_is_of_one_path_and_has_its_length(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        once = secrets.token_hex(8)
        await confirm(stand, payment_key, order_id, Idempotency_Key=once)
        returned = await stand.http.post(
            f"/v1/payments/{payment_key}/cancel",
            json={"cancelReason": "시험"},
            headers=basic() | {"Idempotency-Key": once},
        )
        assert returned.json()["status"] == "CANCELED"
        long = await confirm(stand, payment_key, order_id, Idempotency_Key="k" * 301)
        assert code(long) == (400, "INVALID_IDEMPOTENCY_KEY")

    async def test_a_key_is_forgotten_after_fifteen_days(self) -> None:
        async with running_sandbox(Config()) as stand:
            payment_key, order_id = await stand.approve()
            await confirm(stand, payment_key, order_id, Idempotency_Key="once")
            await stand.skip(15 * 86_400 + 1)
            later = await confirm(stand, payment_key, order_id, Idempotency_Key="once")
            assert code(later) == (400, "ALREADY_PROCESSED_PAYMENT")


class TestCancel:
    async def test_only_what_was_paid_can_be_returned(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve(10_000)
        assert code(await cancel(stand, payment_key)) == (403, "NOT_CANCELABLE_PAYMENT")
        await confirm(stand, payment_key, order_id, 10_000)
        assert code(await cancel(stand, payment_key, cancelReason="")) == (400, "INVALID_REQUEST")
        assert code(await cancel(stand, payment_key, cancelReason="가" * 201)) == (400, "INVALID_REQUEST")
        assert code(await cancel(stand, payment_key, cancelAmount=0)) == (400, "INVALID_REQUEST")
        assert code(await cancel(stand, payment_key, cancelAmount=10_001)) == (403, "NOT_CANCELABLE_AMOUNT")
        mismatch = await cancel(stand, payment_key, cancelAmount=1, refundableAmount=9_999)
        assert code(mismatch) == (400, "NOT_MATCHES_REFUNDABLE_AMOUNT")
        part = (await cancel(stand, payment_key, cancelAmount=1_000, refundableAmount=10_000)).json()
        assert (part["status"], part["balanceAmount"], part["vat"]) == ("PARTIAL_CANCELED", 9_000, 818)
        assert part["cancels"][0]["transactionKey"] == part["lastTransactionKey"]
        rest = (await cancel(stand, payment_key)).json()
        assert (rest["status"], [each["cancelAmount"] for each in rest["cancels"]]) == ("CANCELED", [1_000, 9_000])
        assert code(await cancel(stand, payment_key)) == (400, "ALREADY_CANCELED_PAYMENT")
        assert (await stand.ledger())["kept"][order_id] == 0

    async def test_a_virtual_account_is_returned_to_an_account(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
        assert (await look_up(stand, payment_key))["status"] == "READY"
        assert (await confirm(stand, payment_key, order_id)).json()["status"] == "WAITING_FOR_DEPOSIT"
        part = await cancel(stand, payment_key, cancelAmount=1)
        assert code(part) == (403, "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT")
        await stand.act(payment_key, "deposit")
        assert code(await cancel(stand, payment_key)) == (400, "INVALID_REQUEST")
        account = {"bank": "06", "accountNumber": "123", "holderName": "홍길동"}
        returned = (await cancel(stand, payment_key, refundReceiveAccount=account)).json()
        assert returned["virtualAccount"]["refundReceiveAccount"]["holderName"] == "홍길동"
        assert returned["virtualAccount"]["refundStatus"] == "COMPLETED"

    async def test_an_account_nobody_paid_into_is_closed(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
        await confirm(stand, payment_key, order_id)
        assert (await cancel(stand, payment_key)).json()["status"] == "CANCELED"
        assert (await stand.ledger())["kept"].get(order_id, 0) == 0


async def test_transactions_list_every_movement_of_a_day() -> None:
    async with running_sandbox(Config()) as stand:
        payment_key, order_id = await stand.approve(10_000)
        await confirm(stand, payment_key, order_id, 10_000)
        await cancel(stand, payment_key, cancelAmount=4_000)

        async def ask(**query: str) -> httpx.Response:
            return await stand.http.get("/v1/transactions", params=query, headers=basic())

        span = {"startDate": "2020-01-01T00:00:00", "endDate": "2099-01-01T00:00:00+09:00"}
        rows = (await ask(**span)).json()
        assert [(row["status"], row["amount"]) for row in rows] == [("DONE", 10_000), ("PARTIAL_CANCELED", -4_000)]
        assert (await ask(**span, startingAfter=rows[0]["transactionKey"])).json() == rows[1:]
        assert (await ask(**span, limit="1")).json() == rows[:1]
        assert code(await ask(startDate="2020-01-01T00:00:00Z", endDate="x")) == (400, "INVALID_DATE")
        assert code(await ask(**span, limit="x")) == (400, "INVALID_REQUEST")


class TestFaults:
    @pytest.mark.parametrize(
        ("amount", "status"),
        [(990_006, 502), (990_007, 502), (990_009, 429), (990_010, 403), (990_011, 200), (990_012, 200)],
    )
    async def test_a_magic_amount_meets_its_fault_once(self, stand: Stand, amount: int, status: int) -> None:
        payment_key, order_id = await stand.approve(amount)
        assert (await confirm(stand, payment_key, order_id, amount)).status_code == status
        again = await confirm(stand, payment_key, order_id, amount)
        assert again.status_code == (200 if MAGIC_AMOUNTS[amount] in {"html_before", "too_many"} else 400)

    async def test_another_amount_is_what_the_books_say_too(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        await stand.fault("other_amount", match={"amount": 15_000, "orderId": order_id})
        assert (await confirm(stand, payment_key, order_id)).json()["totalAmount"] == 15_100
        assert (await look_up(stand, payment_key))["totalAmount"] == 15_100

    async def test_surprises_are_added_and_nothing_is_taken_away(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        await stand.fault("extra_fields", match={"orderId": order_id})
        paid = (await confirm(stand, payment_key, order_id)).json()
        assert set(paid) > set(KEY_ORDER)
        assert paid["type"] == "SOMETHING_NEW"

    async def test_a_refusal_ends_the_payment_and_a_hiccup_does_not(self, stand: Stand) -> None:
        for wanted, status in (("REJECT_CARD_COMPANY", "ABORTED"), ("PROVIDER_ERROR", "IN_PROGRESS")):
            payment_key, order_id = await stand.approve()
            await stand.fault("reject", code=wanted, match={"orderId": order_id})
            assert code(await confirm(stand, payment_key, order_id))[1] == wanted
            assert (await look_up(stand, payment_key))["status"] == status
            assert await stand.charges(order_id) == 0

    async def test_faults_count_down_fit_and_are_taken_back(self) -> None:
        async with running_sandbox(Config()) as stand:
            await stand.fault("too_many", times=2, on="lookup")
            await stand.fault("html_before", times=1, on="all", match={"orderId": "somebody-else"})
            payment_key, _ = await stand.approve()
            url = f"/v1/payments/{payment_key}"
            statuses = [(await stand.http.get(url, headers=basic())).status_code for _ in range(3)]
            assert statuses == [429, 429, 200]
            await stand.fault("too_many", ratio=1.0, on="lookup")
            assert (await stand.http.get(url, headers=basic())).status_code == 429
            assert len((await stand.http.get("/sandbox/faults")).json()) == 2
            await stand.http.delete("/sandbox/faults")
            assert (await stand.http.get(url, headers=basic())).status_code == 200
            for wrong in ({"fault": "nothing"}, {"fault": "slow", "seconds": "soon"}, {}):
                assert (await stand.http.post("/sandbox/faults", json=wrong)).status_code == 400


@pytest_asyncio.fixture(loop_scope="session")
async def listener() -> AsyncIterator[Listener]:
    async with running_listener() as running:
        yield running


class TestWebhooks:
    async def test_both_shapes_are_sent_with_their_headers(self, listener: Listener) -> None:
        async with running_sandbox(Config(webhook_url=f"{listener.url}/hook")) as stand:
            payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
            await confirm(stand, payment_key, order_id)
            pair = [await listener.next(), await listener.next()]
            changed = next(each for each in pair if "eventType" in each.json())
            deposit = next(each for each in pair if "eventType" not in each.json())

            body = changed.json()
            assert list(body) == ["eventType", "createdAt", "data"]
            assert body["data"] == await look_up(stand, payment_key)
            assert list(deposit.json()) == ["createdAt", "secret", "status", "transactionKey", "orderId"]
            assert deposit.json()["secret"] == body["data"]["secret"]
            assert (changed.path, changed.headers["content-type"]) == ("/hook", "application/json")
            prefix = "tosspayments-webhook-transmission-"
            assert changed.headers[f"{prefix}id"].startswith("whtrans_")
            assert changed.headers[f"{prefix}retried-count"] == "0"
            assert changed.headers[f"{prefix}time"].endswith("+09:00")

            await stand.act(payment_key, "deposit")
            await stand.act(payment_key, "deposit-error")
            seen = [(await listener.next()).json() for _ in range(4)]
            assert [each["status"] for each in seen if "status" in each] == ["DONE", "WAITING_FOR_DEPOSIT"]

    async def test_what_is_not_taken_is_sent_again_by_the_table(self) -> None:
        async with running_listener(answer(500), answer(302), answer(200)) as listener:
            config = Config(webhook_url=listener.url, webhook_speed=12_000.0)
            async with running_sandbox(config) as stand:
                payment_key, order_id = await stand.approve()
                await confirm(stand, payment_key, order_id)
                counts = [
                    (await listener.next()).headers["tosspayments-webhook-transmission-retried-count"]
                    for _ in range(3)
                ]
                assert counts == ["0", "1", "2"]
                books = await stand.until(lambda books: books["webhooks"][0]["state"] == "Completed")
                assert books["webhooks"][0]["attempts"] == ["500", "302", "200"]

                await stand.http.post(f"/sandbox/webhooks/{books['webhooks'][0]['id']}/resend")
                assert (await listener.next()).json()["data"]["status"] == "DONE"

    async def test_after_seven_more_tries_it_is_given_up(self) -> None:
        async with running_listener(answer(500)) as listener:
            config = Config(webhook_url=listener.url, webhook_speed=10_000_000.0)
            async with running_sandbox(config) as stand:
                payment_key, order_id = await stand.approve()
                await confirm(stand, payment_key, order_id)
                books = await stand.until(lambda books: books["webhooks"][0]["state"] == "Failed")
                assert books["webhooks"][0]["attempts"] == ["500"] * 8

    async def test_one_before_the_redirect_says_what_is_true_then(self, listener: Listener) -> None:
        async with running_sandbox(Config(webhook_url=listener.url)) as stand:
            await stand.fault("webhook_first")
            payment_key, order_id = await stand.approve()
            assert listener.seen.qsize() == 1
            assert (await listener.next()).json()["data"]["status"] == "IN_PROGRESS"
            await stand.fault("webhook_before_answer")
            await confirm(stand, payment_key, order_id)
            assert listener.seen.qsize() == 1

    async def test_duplicates_come_at_once_and_are_the_same(self, listener: Listener) -> None:
        async with running_sandbox(Config(webhook_url=listener.url)) as stand:
            await stand.fault("webhook_duplicate", copies=20)
            payment_key, order_id = await stand.approve()
            await confirm(stand, payment_key, order_id)
            copies = [await listener.next() for _ in range(20)]
            assert len({each.body for each in copies}) == 1
            assert len({each.headers["tosspayments-webhook-transmission-id"] for each in copies}) == 1

    async def test_a_held_webhook_arrives_after_its_successor(self, listener: Listener) -> None:
        async with running_sandbox(Config(webhook_url=listener.url)) as stand:
            await stand.fault("webhook_reversed")
            payment_key, order_id = await stand.approve()
            await confirm(stand, payment_key, order_id)
            await cancel(stand, payment_key)
            statuses = [(await listener.next()).json()["data"]["status"] for _ in range(2)]
            assert statuses == ["CANCELED", "DONE"]

    async def test_a_deposit_can_fail_right_after(self, listener: Listener) -> None:
        async with running_sandbox(Config()) as stand:
            await stand.http.post("/sandbox/webhook-url", json={"url": listener.url})
            await stand.fault("deposit_error")
            payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
            await confirm(stand, payment_key, order_id)
            await stand.act(payment_key, "deposit")
            assert (await look_up(stand, payment_key))["status"] == "WAITING_FOR_DEPOSIT"
            assert (await stand.ledger())["kept"][order_id] == 0
            bodies = [(await listener.next()).json() for _ in range(6)]
            assert {each["data"]["status"] for each in bodies if "data" in each} == {"WAITING_FOR_DEPOSIT", "DONE"}


class TestWindow:
    async def test_each_button_leads_back_with_its_query(self, stand: Stand) -> None:
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
        await confirm(stand, payment_key, order_id)
        assert (await stand.http.post(f"/sandbox/window/{payment_key}", data={"outcome": "approve"})).status_code == 409

    async def test_a_declined_card_is_aborted(self, stand: Stand) -> None:
        payment_key, order_id = await stand.open()
        back = await stand.decide(payment_key, "decline")
        assert (back["code"], back["orderId"]) == ("REJECT_CARD_COMPANY", order_id)
        assert (await look_up(stand, payment_key))["status"] == "ABORTED"
        assert code(await confirm(stand, payment_key, order_id)) == (400, "ALREADY_PROCESSED_PAYMENT")

    async def test_the_window_says_what_it_is_and_what_is_paid(self, stand: Stand) -> None:
        payment_key, order_id = await stand.open(12_900, orderName="<b>들기름</b>")
        page = await stand.http.get(f"/sandbox/window/{payment_key}")
        for words in ("테스트 결제창", "12,900원", "&lt;b&gt;들기름&lt;/b&gt;", order_id, "결제 승인", "카드 거절"):
            assert words in page.text
        assert "http://shop.invalid" in page.headers["Content-Security-Policy"]
        assert (await stand.http.get("/sandbox/window/none")).status_code == 404

    async def test_the_slip_exists_once_money_moved(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve(11_111)
        url = f"/sandbox/receipts/{payment_key}"
        assert (await stand.http.get(url)).status_code == 404
        await confirm(stand, payment_key, order_id, 11_111)
        slip = await stand.http.get(url)
        assert "10,101원" in slip.text
        assert "1,010원" in slip.text

    async def test_the_desk_lists_payments_and_faults(self, stand: Stand) -> None:
        payment_key, order_id = await stand.approve()
        await confirm(stand, payment_key, order_id)
        desk = (await stand.http.get("/sandbox")).text
        assert payment_key in desk
        assert all(kind in desk for kind in KINDS)
        refused = await stand.http.post(f"/sandbox/payments/{payment_key}/deposit")
        assert (refused.status_code, "잘못된 요청" in refused.text) == (409, True)
        form = {"fault": "slow", "times": "1", "seconds": "1", "orderId": order_id, "amount": "", "on": "confirm"}
        assert (await stand.http.post("/sandbox/faults", data=form)).status_code == 303

    async def test_a_payment_the_widget_would_not_open_is_refused(self, stand: Stand) -> None:
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
