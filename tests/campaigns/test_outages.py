"""Ten thousand carts are touched while a machine is away; soon after its return nothing waits any more."""

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from app.cart import service
from app.core.errors import UnavailableError
from app.core.ids import order_no
from app.machines import Machines, build_machines
from app.models import carts
from app.orders.messages import OrderPaid
from tasks.registry import LISTENERS
from tests.chaos.rest import wait_for_rest
from tests.goods import mug
from tests.processes import serving
from tests.shop import settings_for
from tests.stack import Stack, real

CARTS = 10_000
LETTERS = 500
AT_ONCE = 12
AGAIN_AFTER = 0.2
# Longer than the worker holds what it took before it hands it back to the broker.
OUTAGE_SECONDS = 65.0
DRAINED_WITHIN = 60.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with real(tmp_path_factory.mktemp("outages")) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def m(machines: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machines]:
    """The shop runs with a worker of its own; the edits are made by a web without HTTP: this."""
    folder: Path = tmp_path_factory.mktemp("outages-shop")
    async with serving(machines, folder):
        m = build_machines(settings_for(machines, folder))
        await m.amqp.start()
        await m.amqp.declare([listener.queue for listener in LISTENERS])
        yield m
        await m.close()


async def everyone(owners: Sequence[str], edit: Callable[[str], Awaitable[object]]) -> None:
    """Have every owner do it, a few at a time; who is refused presses again."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(owner: str) -> None:
        async with turn:
            while True:
                with contextlib.suppress(UnavailableError):
                    await edit(owner)
                    return
                await asyncio.sleep(AGAIN_AFTER)

    await asyncio.gather(*map(one, owners))


@pytest.mark.parametrize("away", ["amqp", "database"])
async def test_what_gathers_while_a_machine_is_away_is_gone_within_a_minute(
    machines: Stack, m: Machines, away: str, capsys: pytest.CaptureFixture[str]
) -> None:
    product = await mug(m, quantity=1_000_000)
    owners = [f"g:{secrets.token_hex(20)}" for _ in range(CARTS)]
    await everyone(owners, lambda owner: service.add_line(m, owner, product, 1, owner[2:34]))
    assert None not in (await wait_for_rest(m, DRAINED_WITHIN)).values()
    if away == "amqp":
        async with m.db.write() as tx:
            for owner in owners[:LETTERS]:
                await tx.announce(OrderPaid(order_no(m.clock.now()), owner, 0))

    machine = getattr(machines, away)
    machine.kill()
    gone_at = time.monotonic()
    await everyone(owners, lambda owner: service.set_quantity(m, owner, product, 2))
    touched = time.monotonic() - gone_at
    await asyncio.sleep(max(0.0, OUTAGE_SECONDS - touched))
    machine.start()
    drained = await wait_for_rest(m, 2 * DRAINED_WITHIN)
    with capsys.disabled():
        sys.stdout.write(f"\n{CARTS} carts touched in {touched:.0f} s without {away}; then {drained}\n")

    counted = select(func.count()).where(carts.c.product_id == product, carts.c.quantity == 2)
    async with m.db.read() as tx:
        assert (await tx.execute(counted)).scalar_one() == CARTS
    slowest = max(seconds if seconds is not None else float("inf") for seconds in drained.values())
    assert slowest <= DRAINED_WITHIN, drained
