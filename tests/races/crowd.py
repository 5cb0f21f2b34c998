"""Fifty requests at the same instant, and the mark by which a test says whose race it is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from quart import Response

from tests.shop import Shop, eventually

CROWD = 50
UNAVAILABLE = 503  # a full pool turns people away politely; whatever was not done must not show
Test = TypeVar("Test", bound=Callable[..., Any])


def races(*_endpoints: str) -> Callable[[Test], Test]:
    """Say whose race a test is: tests/house/test_races.py wants one for every door that changes something."""
    return lambda test: test


async def at_once(call: Callable[[int], Awaitable[Response]], times: int = CROWD) -> list[int]:
    """Make the numbered calls at the same instant; return the status of each."""
    answers = await asyncio.gather(*(call(number) for number in range(times)))
    return [answer.status_code for answer in answers]


async def settled(shop: Shop, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until what runs in the background after the last answer is done, and something holds."""
    await shop.m.background.drain(10)
    await eventually(holds)
