"""A Redis that refuses to write: the shopper is told, nothing is half done, and carts can be read."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from app.cart import service
from app.core.errors import RedisUnavailableError
from app.infra import keys
from app.web import current
from tests.goods import mug
from tests.shop import Shop, Visitor, eventually


@asynccontextmanager
async def out_of_memory(shop: Shop) -> AsyncIterator[None]:
    await shop.m.redis.command("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        await shop.m.redis.command("CONFIG", "SET", "maxmemory", 0)


@asynccontextmanager
async def read_only(shop: Shop) -> AsyncIterator[None]:
    await shop.m.redis.command("REPLICAOF", "127.0.0.1", 1)
    try:
        yield
    finally:
        await shop.m.redis.command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def busy(shop: Shop) -> AsyncIterator[None]:
    await shop.m.redis.command("CONFIG", "SET", "busy-reply-threshold", 1)
    running = asyncio.create_task(shop.m.redis.command("EVAL", "while true do end", 0))
    await asyncio.sleep(0.05)
    try:
        yield
    finally:
        await shop.m.redis.command("SCRIPT", "KILL")
        with contextlib.suppress(RedisUnavailableError):
            await running
        await shop.m.redis.command("CONFIG", "SET", "busy-reply-threshold", 5000)


Refusal = Callable[[Shop], AbstractAsyncContextManager[None]]
REFUSALS: dict[str, Refusal] = {"no memory": out_of_memory, "read-only": read_only}


def owner_of(visitor: Visitor) -> str:
    token = next(cookie.value for cookie in visitor.client.cookie_jar or () if cookie.name == "gid")
    return current.guest_owner(token or "")


async def everything(shop: Shop, who: str) -> Any:
    redis = shop.m.redis
    cart = await redis.command("HGETALL", keys.cart(who))
    return cart, await redis.command("ZSCORE", keys.dirty(keys.bucket(who)), who)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_an_edit_is_refused_whole_and_the_cart_can_be_read(shop: Shop, refusal: str) -> None:
    visitor, product, other = shop.visitor(), await mug(shop.m), await mug(shop.m)
    await visitor.post("/cart/lines", product_id=product, quantity=2, key="")
    await visitor.post("/cart/lines", product_id=other, quantity=1, key="")
    await visitor.post(f"/cart/lines/{other}/removal")
    who, token, key = owner_of(visitor), await visitor.token(), secrets.token_hex(16)

    async def is_clean() -> bool:
        return (await everything(shop, who))[1] is None

    await eventually(is_clean)
    before = await everything(shop, who)

    async def edits() -> list[int]:
        add = {"product_id": product, "quantity": 1, "key": key}
        answers = [
            await visitor.post("/cart/lines", csrf=token, htmx=True, **add),
            await visitor.post(f"/cart/lines/{product}", csrf=token, htmx=True, quantity=9),
            await visitor.post(f"/cart/lines/{product}/removal", csrf=token, htmx=True),
            await visitor.post("/cart/undo", csrf=token, htmx=True),
        ]
        return [answer.status_code for answer in answers]

    async with REFUSALS[refusal](shop):
        assert await edits() == [503] * 4
        page = await visitor.get("/cart")
        assert page.status_code == 200
        assert f'id="cart-quantity-{product}"' in await page.get_data(as_text=True)
    assert await everything(shop, who) == before
    assert await edits() == [200] * 4


async def test_a_busy_redis_is_an_outage_and_no_error(shop: Shop) -> None:
    visitor, product = shop.visitor(), await mug(shop.m)
    await visitor.post("/cart/lines", product_id=product, quantity=2, key="")
    token = await visitor.token()
    async with busy(shop):
        refused = await visitor.post(f"/cart/lines/{product}", csrf=token, htmx=True, quantity=3)
        assert refused.status_code == 503
        assert (await visitor.get("/")).status_code == 200
    assert (
        await visitor.post(f"/cart/lines/{product}", csrf=token, htmx=True, quantity=3)
    ).status_code == 200


async def test_a_full_redis_throws_no_cart_away(shop: Shop) -> None:
    who, product = f"g:{secrets.token_hex(20)}", await mug(shop.m)
    await service.add_line(shop.m, who, product, 2, "")
    async with out_of_memory(shop):
        for _ in range(20):
            with pytest.raises(RedisUnavailableError):
                await service.add_line(shop.m, f"g:{secrets.token_hex(20)}", product, 1, "")
        assert await shop.m.redis.command("EXISTS", keys.cart(who)) == 1
        assert (await service.view(shop.m, who)).total_quantity == 2
