"""CART_ACK=confirm: an edit is answered when something besides Redis has it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.cart import service, store
from app.core.errors import AmqpUnavailableError, UnavailableError
from app.machines import Machines, build_machines
from tests.goods import mug
from tests.shop import Shop, eventually, settings_for
from tests.stack import Stack


@pytest_asyncio.fixture
async def careful(shop: Shop, stack: Stack) -> AsyncIterator[Machines]:
    """A web process that waits for the broker, beside the shop's worker."""
    m = build_machines(settings_for(stack, shop.m.settings.data_path, cart_ack="confirm"))
    await m.amqp.start()

    async def is_connected() -> bool:
        return m.amqp.connected

    await eventually(is_connected)
    yield m
    await m.close()


async def quantity_in_database(m: Machines, owner: str, product_id: int) -> int:
    async with m.db.read() as tx:
        cart = await store.select_cart(tx, owner)
    return next((line.quantity for line in cart.live if line.product_id == product_id), 0)


async def test_the_broker_has_the_edit_before_the_shopper_is_told(careful: Machines) -> None:
    owner, product = "g:careful-1", await mug(careful)
    await service.add_line(careful, owner, product, 2, "")
    await careful.redis.command("FLUSHALL")  # the disk of Redis is gone
    assert (await service.view(careful, owner)).total_quantity == 2


async def test_without_a_broker_the_database_has_it(
    careful: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_there(*_: object, **__: object) -> None:
        raise AmqpUnavailableError("away")

    monkeypatch.setattr(careful.amqp, "publish", nobody_there)
    owner, product = "g:careful-2", await mug(careful)
    await service.add_line(careful, owner, product, 2, "")
    assert await quantity_in_database(careful, owner, product) == 2


async def test_with_neither_the_edit_is_not_acknowledged(
    careful: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_there(*_: object, **__: object) -> None:
        raise AmqpUnavailableError("away")

    owner, product = "g:careful-3", await mug(careful)
    await service.view(careful, owner)
    monkeypatch.setattr(careful.amqp, "publish", nobody_there)
    monkeypatch.setattr(careful.db, "retrying", nobody_there)
    with pytest.raises(UnavailableError):
        await service.add_line(careful, owner, product, 2, "")
