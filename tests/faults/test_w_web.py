"""W: the web processes die, hang, restart and are cut off."""

import asyncio
from typing import Literal

import httpx
import pytest

from tests.faults.bed import Bed
from tests.goods import mug

Side = Literal["request", "reply"]


@pytest.mark.parametrize("side", ["request", "reply"])
async def test_w1_web_is_killed_around_the_edit(bed: Bed, side: Side) -> None:
    """Before the script reached Redis, or after it ran: the shopper sees an error, and may press again."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id, 1)
    with bed.proxies.redis.breakpoint(b"EVALSHA", side=side, of=bed.pids("web")) as stop:
        editing = asyncio.create_task(shopper.post(f"/cart/lines/{product_id}", quantity=3))
        await stop.hit()
        before = bed.shop.pids("web")
        bed.shop.kill("web")
    with pytest.raises(httpx.TransportError):
        await editing
    await bed.restarted("web", before)
    await shopper.set(product_id, 3)
    await bed.assert_whole()
