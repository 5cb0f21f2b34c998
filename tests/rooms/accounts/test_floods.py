"""Floods at the doors: whoever sends too much is told so in a page, loses nothing, and disturbs nobody."""

import asyncio
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import bcrypt
import pytest
import pytest_asyncio
from quart import Response

from app.core.clock import Clock
from app.infra.redis import Redis, Script
from app.main import create_app
from app.web import limits
from app.web.limits import LOG_IN, LOOK_UP, NETWORK, READS, WEBHOOK
from tests.buyer import Buyer, stand_of
from tests.goods import mug
from tests.house.test_bad_input import doors
from tests.shop import Shop, Visitor, eventually
from tests.village import enter, hana, minji, run, unheard_of_id

pytestmark = pytest.mark.real_first

WRONG = "틀린 비밀번호입니다"
TOSS_RETRIES = 8  # the call, and seven more


@pytest.fixture
def network() -> str:
    """The first three numbers of a network nobody else in these tests comes from."""
    return ".".join(str(secrets.randbelow(250) + 1) for _ in range(2)).join(("58.", ""))


class StoppedClock(Clock):
    """A clock that stands: however slow the machine of the tests is, no budget fills up meanwhile."""

    def __init__(self) -> None:
        self.at = super().now()

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def still(shop: Shop) -> Shop:
    """The shop, in a moment that does not pass."""
    m = replace(shop.m, clock=StoppedClock(), _kept={})
    return replace(shop, m=m, app=create_app(m.settings, m))


async def page_of(answer: Response) -> str:
    return await answer.get_data(as_text=True)


async def use_up(visitor: Visitor, times: int, url: str, **form: Any) -> set[int]:
    token = await visitor.token()
    answers = [await visitor.post(url, csrf=token, **form) for _ in range(times)]
    return {answer.status_code for answer in answers}


async def test_one_address_may_fail_to_log_in_so_often_and_the_next_address_is_not_asked_to_wait(
    still: Shop, network: str
) -> None:
    here, next_door = still.visitor(f"{network}.7"), still.visitor(f"{network}.8")
    assert await use_up(here, LOG_IN.rate.times, "/login", signup_id="") == {422}
    person = await minji(still.m)
    answer = await here.post("/login", signup_id=person.signup_id, password=person.password, next="/cart")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= LOG_IN.rate.seconds
    assert answer.headers["Cache-Control"] == "no-store"
    page = await page_of(answer)
    assert "요청이 너무 많습니다" in page
    assert f"{answer.headers['Retry-After']}초 후에 다시 시도해 주십시오" in page
    other = await next_door.post("/login", signup_id=person.signup_id, password=person.password)
    assert other.status_code == 303


async def test_a_network_that_guesses_from_everywhere_is_stopped_as_one(still: Shop, network: str) -> None:
    for host in range(NETWORK):
        statuses = await use_up(still.visitor(f"{network}.{host}"), LOG_IN.rate.times, "/login", signup_id="")
        assert statuses == {422}
    assert await use_up(still.visitor(f"{network}.99"), 1, "/login", signup_id="") == {429}


async def test_an_office_that_logs_in_does_not_use_up_what_it_may_fail(still: Shop, network: str) -> None:
    person, here = await minji(still.m), still.visitor(f"{network}.7")
    for _ in range(3):
        answer = await here.post("/login", signup_id=person.signup_id, password=person.password)
        assert answer.status_code == 303
    stranger = still.visitor(f"{network}.7")
    assert await use_up(stranger, LOG_IN.rate.times, "/login", signup_id="") == {422}
    assert await use_up(stranger, 1, "/login", signup_id="") == {429}


async def test_the_limit_survives_the_loss_of_redis(still: Shop, network: str) -> None:
    m = replace(still.m, redis=Redis("redis://127.0.0.1:1"), _kept={})
    there = replace(still, m=m, app=create_app(m.settings, m)).visitor(f"{network}.7")
    assert await use_up(there, LOG_IN.rate.times, "/login", signup_id="") == {422}
    assert await use_up(there, 3, "/login", signup_id="") == {429}


@pytest_asyncio.fixture(loop_scope="session")
async def ordered(shop: Shop) -> AsyncIterator[str]:
    async with stand_of(shop) as stand:
        yield await Buyer(shop, shop.visitor(), stand).order((await mug(shop.m), 1))


async def test_one_order_cannot_be_guessed_at_wherever_from_and_what_was_typed_can_be_sent_again(
    still: Shop, network: str, ordered: str
) -> None:
    assert LOOK_UP.field_rate
    for number in range(LOOK_UP.field_rate.times):
        guess = still.visitor(f"{network}.{number}")
        written = ordered.lower() if number % 2 else f" {ordered} "
        assert await use_up(guess, 1, "/orders/lookup", order_no=written, phone=f"010{number:08}") == {422}
    stranger = still.visitor(f"{network}.77")
    answer = await stranger.post("/orders/lookup", order_no=ordered, phone="010-1234-5678")
    assert answer.status_code == 429
    page = await page_of(answer)
    assert f'name="order_no" value="{ordered}"' in page
    assert 'name="phone" value="010-1234-5678"' in page
    assert "입력한 내용으로 다시 보내기" in page
    other = await stranger.post("/orders/lookup", order_no="20261123-AAAAAAA", phone="010-1234-5678")
    assert other.status_code == 422


async def test_what_is_sent_again_is_the_form_without_its_secrets(still: Shop, network: str) -> None:
    here = still.visitor(f"{network}.7")
    await use_up(here, LOG_IN.rate.times, "/login", signup_id="")
    answer = await here.post("/login", signup_id='min"ji', password="비밀 문장", next="/cart?a=1&b=2")
    page = await page_of(answer)
    assert "비밀 문장" not in page
    assert "password" not in page.partition("<main")[2]
    main = page.partition("<main")[2].partition("</main>")[0]
    assert 'name="signup_id" value="min&#34;ji"' in main
    assert 'name="next" value="/cart?a=1&amp;b=2"' in main
    token = re.search(r'name="csrf" value="([^"]+)"', main)
    assert token
    again = await here.client.post(
        "/login", form={"csrf": token[1], "signup_id": "minji"}, scope_base={"client": (f"{network}.8", 1)}
    )
    assert again.status_code == 422
    assert 'value="minji"' in await page_of(again)


async def test_a_script_is_told_in_the_notice_and_its_page_stays(still: Shop, network: str) -> None:
    here = still.visitor(f"{network}.7")
    await use_up(here, LOG_IN.rate.times, "/login", signup_id="")
    answer = await here.post("/login", htmx=True, signup_id="minji", password=WRONG)
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert (await page_of(answer)).startswith('<hx-partial hx-target="#web-notice"')


async def test_pages_have_a_limit_too_and_it_costs_no_machine_anything(
    still: Shop, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends session after session makes us ask Redis and the database for each: not when refused."""
    monkeypatch.setattr(limits, "READS", replace(READS, rate=replace(READS.rate, times=5)))
    here = still.visitor(f"{network}.7")
    assert {(await here.get("/login")).status_code for _ in range(5)} == {200}
    asked: list[str] = []

    async def run(_self: Redis, script: object, *_args: object) -> None:
        asked.append(str(script))
        raise AssertionError

    monkeypatch.setattr(Redis, "run", run)
    for url in ("/login", "/cart", "/no-such-page", "/orders/lookup"):
        answer = await here.get(url, Cookie=f"sid={'A' * 43}; gid={'B' * 43}")
        assert answer.status_code == 429, url
        assert "요청이 너무 많습니다" in await page_of(answer)
    assert asked == []


async def test_forged_calls_do_not_crowd_out_toss_and_are_refused_in_a_word(
    still: Shop, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = still.app.test_client()

    async def call(address: str) -> Response:
        return await client.post("/payments/toss/webhook", data=b"{}", scope_base={"client": (address, 1)})

    for _ in range(TOSS_RETRIES * 10):  # ten payments, each with all its retries, within a moment
        assert (await call(f"{network}.7")).status_code == 200
    few = replace(WEBHOOK, rate=replace(WEBHOOK.rate, times=20))
    view: Any = still.app.view_functions["payments.receive_webhook"]
    monkeypatch.setattr(view, "door", replace(view.door, own_limit=few))
    other = network.replace("58.", "59.")
    answers = [await call(f"{other}.66") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 8
    assert await page_of(refused[0]) == ""
    assert int(refused[0].headers["Retry-After"]) > 0
    assert (await call(f"{network.replace('58.', '60.')}.7")).status_code == 200


async def test_of_a_crowd_that_logs_in_at_once_few_are_worked_on_and_pages_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 150 wrong log-ins most are refused before a machine is asked; no page waits for them."""
    go_on, asked = threading.Event(), Counter[str]()

    def slow(_password: bytes, _hashed: bytes) -> bool:
        go_on.wait(60)
        return False

    run = Redis.run

    async def counted(self: Redis, script: Script, *args: Any) -> Any:
        asked[script.name] += 1
        return await run(self, script, *args)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    monkeypatch.setattr(Redis, "run", counted)
    product, visitor = await mug(shop.m), shop.visitor()
    token = await visitor.token()

    async def guess() -> int:
        answer = await visitor.post("/login", csrf=token, signup_id=unheard_of_id("who"), password=WRONG)
        return answer.status_code

    crowd = [asyncio.create_task(guess()) for _ in range(150)]

    async def most_are_answered() -> bool:
        return sum(one.done() for one in crowd) >= 150 - LOG_IN.at_once

    await eventually(most_are_answered, 60)
    assert {one.result() for one in crowd if one.done()} == {429}
    for url in (f"/products/{product}", "/", "/cart"):
        assert (await shop.visitor().get(url)).status_code == 200
    go_on.set()
    answers = await asyncio.gather(*crowd)
    assert set(answers) == {422, 429}
    assert answers.count(422) <= LOG_IN.at_once
    assert asked["spend"] <= LOG_IN.at_once
    assert asked["attempt"] <= LOG_IN.at_once


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="priorities are POSIX's")
async def test_hashing_steps_aside_for_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    nice: list[int] = []
    check = bcrypt.checkpw

    def noting(password: bytes, hashed: bytes) -> bool:
        nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", noting)
    m = replace(shop.m, _kept={})
    person = await minji(m)
    await enter(replace(shop, m=m, app=create_app(m.settings, m)), person)
    assert nice
    assert min(nice) > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(shop: Shop) -> Visitor:
    """An operator, at work."""
    return await run(shop, await hana(shop.m))


@pytest.mark.parametrize("endpoint", sorted(doors("GET")))
async def test_a_page_far_behind_the_last_is_as_cheap_as_the_first(
    shop: Shop, desk: Visitor, endpoint: str
) -> None:
    """No page counts from the start: a number of a page means nothing to us, and a cursor is a place."""
    url = doors("GET")[endpoint]
    if "<" in url or endpoint.startswith(("ops.", "gallery.")):
        return
    visitor = desk if url.startswith("/admin") else shop.visitor()
    for far in ("page=1000000000", "after=1000000000", f"after={'9' * 18}", "offset=1000000000&limit=99999"):
        answer = await visitor.get(f"{url}?q=%EB%A8%B8%EA%B7%B8&{far}")
        assert answer.status_code in {200, 303, 422}  # an export must be told which month
        assert len(await answer.get_data(as_text=False)) < 60_000
