"""The sandbox's webhooks: shapes, headers, retries, and every way they arrive wrongly."""

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.toss.config import Config
from tests.toss_stand import Listener, answer, running_listener, running_sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def listener() -> AsyncIterator[Listener]:
    async with running_listener() as running:
        yield running


async def test_both_shapes_are_sent_with_their_headers(listener: Listener) -> None:
    async with running_sandbox(Config(webhook_url=f"{listener.url}/hook")) as stand:
        payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
        await stand.confirm(payment_key, order_id)
        pair = [await listener.next(), await listener.next()]
        changed = next(each for each in pair if "eventType" in each.json())
        deposit = next(each for each in pair if "eventType" not in each.json())

        body = changed.json()
        assert list(body) == ["eventType", "createdAt", "data"]
        assert body["data"] == await stand.look_up(payment_key)
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


async def test_what_is_not_taken_is_sent_again_by_the_table() -> None:
    async with running_listener(answer(500), answer(302), answer(200)) as listener:
        config = Config(webhook_url=listener.url, webhook_speed=12_000.0)
        async with running_sandbox(config) as stand:
            payment_key, order_id = await stand.approve()
            await stand.confirm(payment_key, order_id)
            counts = [
                (await listener.next()).headers["tosspayments-webhook-transmission-retried-count"]
                for _ in range(3)
            ]
            assert counts == ["0", "1", "2"]
            books = await stand.until(lambda books: books["webhooks"][0]["state"] == "Completed")
            assert books["webhooks"][0]["attempts"] == ["500", "302", "200"]

            await stand.http.post(f"/sandbox/webhooks/{books['webhooks'][0]['id']}/resend")
            assert (await listener.next()).json()["data"]["status"] == "DONE"


async def test_after_seven_more_tries_it_is_given_up() -> None:
    async with running_listener(answer(500)) as listener:
        config = Config(webhook_url=listener.url, webhook_speed=10_000_000.0)
        async with running_sandbox(config) as stand:
            payment_key, order_id = await stand.approve()
            await stand.confirm(payment_key, order_id)
            books = await stand.until(lambda books: books["webhooks"][0]["state"] == "Failed")
            assert books["webhooks"][0]["attempts"] == ["500"] * 8


async def test_one_before_the_redirect_says_what_is_true_then(listener: Listener) -> None:
    async with running_sandbox(Config(webhook_url=listener.url)) as stand:
        await stand.fault("webhook_first")
        payment_key, order_id = await stand.approve()
        assert listener.seen.qsize() == 1
        assert (await listener.next()).json()["data"]["status"] == "IN_PROGRESS"
        await stand.fault("webhook_before_answer")
        await stand.confirm(payment_key, order_id)
        assert listener.seen.qsize() == 1


async def test_duplicates_come_at_once_and_are_the_same(listener: Listener) -> None:
    async with running_sandbox(Config(webhook_url=listener.url)) as stand:
        await stand.fault("webhook_duplicate", copies=20)
        payment_key, order_id = await stand.approve()
        await stand.confirm(payment_key, order_id)
        copies = [await listener.next() for _ in range(20)]
        assert len({each.body for each in copies}) == 1
        assert len({each.headers["tosspayments-webhook-transmission-id"] for each in copies}) == 1


async def test_a_held_webhook_arrives_after_its_successor(listener: Listener) -> None:
    async with running_sandbox(Config(webhook_url=listener.url)) as stand:
        await stand.fault("webhook_reversed")
        payment_key, order_id = await stand.approve()
        await stand.confirm(payment_key, order_id)
        await stand.cancel(payment_key)
        statuses = [(await listener.next()).json()["data"]["status"] for _ in range(2)]
        assert statuses == ["CANCELED", "DONE"]


async def test_a_deposit_can_fail_right_after(listener: Listener) -> None:
    async with running_sandbox(Config()) as stand:
        await stand.http.post("/sandbox/webhook-url", json={"url": listener.url})
        await stand.fault("deposit_error")
        payment_key, order_id = await stand.approve(method="VIRTUAL_ACCOUNT")
        await stand.confirm(payment_key, order_id)
        await stand.act(payment_key, "deposit")
        assert (await stand.look_up(payment_key))["status"] == "WAITING_FOR_DEPOSIT"
        assert (await stand.ledger())["kept"][order_id] == 0
        bodies = [(await listener.next()).json() for _ in range(6)]
        assert {each["data"]["status"] for each in bodies if "data" in each} == {
            "WAITING_FOR_DEPOSIT",
            "DONE",
        }
