"""Somebody comes back from Toss behind somebody else: the page says so, and goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from app.machines import Machines
from app.payments import confirm
from app.payments.turns import service as turns
from app.payments.turns.claim import claim
from sandbox import children
from tests.goods import mug
from tests.journeys import sound
from tests.journeys.conftest import Enter
from tests.journeys.walker import has_focus
from tests.processes import Buyer, RunningShop
from tests.shop import eventually, settings_for
from tests.tls import serving_here
from tests.toss_stand import Stand

# The line is this process's own, whatever the machines behind it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package"),
]

TIMED = "meta-refresh"  # what happens by itself needs a clock: docs/accessibility.md, W 2.2.1
SECONDS_BETWEEN = 10  # without scripts
WAITING, GONE = "결제 순서를 기다리고 있습니다", "품절된 상품이 있습니다"


@dataclass
class Counter:
    """Where goods are claimed: shut until the test opens it."""

    url: str = ""
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, m: Machines, claims: Any) -> Any:
        await self.opened.wait()
        return await claim(m, claims)


@pytest_asyncio.fixture(loop_scope="session")
async def counter(
    running: RunningShop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counter]:
    """A shop in this process, beside the running one, in which nobody looks at an empty page for long."""
    counter = Counter()
    monkeypatch.setattr(turns, "claim", counter.claim)
    monkeypatch.setattr(confirm, "TURN_SECONDS", 0.3)
    monkeypatch.setattr(confirm, "WAIT_SECONDS", 0.3)
    async with serving_here(settings_for(running.stack, folder)) as port:
        counter.url = f"http://{children.LOOPBACK}:{port}"
        yield counter
        counter.opened.set()


async def authenticate(buyer: Buyer, toss: Stand, product_id: int) -> str:
    """Order one, and say yes in Toss's window; return the way back."""
    await buyer.add(product_id)
    placed = await buyer.place_order()
    payment_key, _ = await toss.approve(placed.amount, orderId=placed.payment_no)
    said = {"paymentType": "NORMAL", "orderId": placed.payment_no, "paymentKey": payment_key}
    return f"/payments/toss/return/{placed.payment_no}?{urlencode(said | {'amount': placed.amount})}"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_who_waits_in_line_is_told_so_and_goes_on_without_a_touch(
    enter: Enter, running: RunningShop, m: Machines, toss: Stand, counter: Counter, *, scripts: bool
) -> None:
    last = await mug(m, quantity=1)
    ahead, behind = running.buyer(), running.buyer()
    first, second = [await authenticate(buyer, toss, last) for buyer in (ahead, behind)]
    async with httpx.AsyncClient(base_url=counter.url, cookies=ahead.http.cookies, trust_env=False) as at_it:
        assert "결제를 확인하고 있습니다" in (await at_it.get(first)).text
    walker = await enter(scripts=scripts, url=counter.url)
    walker.forgiven.append("status of 409")
    page = walker.page
    cookies = [
        {"name": name, "value": value, "url": counter.url} for name, value in behind.http.cookies.items()
    ]
    await page.context.add_cookies(cookies)  # type: ignore[arg-type]
    await walker.go(second)
    await expect(walker.heading(WAITING)).to_be_visible()
    await expect(page.get_by_text("아직 결제되지 않았습니다")).to_be_visible()
    _, found = await sound.ask_axe_everywhere(page, scripts=scripts)
    assert [line for line in found if scripts or TIMED not in line] == []
    assert await sound.bear(page) == []
    by_hand = walker.link("지금 다시 확인하기")
    await by_hand.focus()
    async with page.expect_response("**/payments/toss/return/**", timeout=2_000 * SECONDS_BETWEEN):
        pass
    await expect(walker.heading(WAITING)).to_be_visible()
    assert not scripts or await has_focus(by_hand)

    counter.opened.set()
    await expect(walker.heading(GONE)).to_be_visible(timeout=2_000 * SECONDS_BETWEEN)
    await expect(page).to_have_title(f"{GONE} · 마당")
    await expect(page.get_by_text("결제되지 않았습니다")).to_be_visible()

    async def is_paid() -> bool:
        return (await ahead.get(first)).status_code == 303

    await eventually(is_paid)
