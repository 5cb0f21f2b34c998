"""A sandbox without faults, and buyers."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.buyer import Buyer, stand_of
from tests.shop import Shop
from tests.toss_stand import Stand


@pytest_asyncio.fixture(loop_scope="session")
async def stand(shop: Shop) -> AsyncIterator[Stand]:
    """The stack's Toss sandbox, a buyer's side of it, and a shop that has no bad memories of it."""
    shop.m.toss.breaker.answered()
    async with stand_of(shop) as stand:
        yield stand


@pytest.fixture
def new_buyer(shop: Shop, stand: Stand) -> Callable[[], Buyer]:
    """Return a maker of strangers."""
    return lambda: Buyer(shop, shop.visitor(), stand)


@pytest.fixture
def buyer(new_buyer: Callable[[], Buyer]) -> Buyer:
    """A stranger with a card."""
    return new_buyer()
