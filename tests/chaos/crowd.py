"""The crowd: shoppers in a thread and a loop of their own, for machines are started from the main one."""

import asyncio
import itertools
import random
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from sandbox.toss.config import Config
from tests.chaos.browser import PATIENCE, Browser
from tests.chaos.paying import Payer
from tests.chaos.shopper import Shopper
from tests.chaos.tally import Tally
from tests.chaos.wire import Wire
from tests.stack import Stack
from tests.toss_stand import Stand

T = TypeVar("T")

SECONDS_TO_FINISH = 110.0
SHARE_OF_MEMBERS = 0.15
SHARE_WITHOUT_SCRIPTS = 0.1
EDITS_OF_A_LIFE = (40, 300)
PER_EDIT_BUYS, PER_EDIT_READS = 0.02, 0.05


class Crowd:
    """As many shoppers at once as asked for; who is done is followed by somebody new."""

    def __init__(self, stack: Stack, url: str, tally: Tally, goods: Sequence[int], seed: int) -> None:
        self.stack, self.url, self.tally, self.goods, self.seed = stack, url, tally, goods, seed
        self.shoppers: list[Shopper] = []
        self._loop = asyncio.new_event_loop()
        self._numbers = itertools.count(1)
        self._leaving = asyncio.Event()
        self._places: list[asyncio.Task[None]] = []
        self._stand = Stand(
            stack.toss_api_url,
            Config(),
            httpx.AsyncClient(base_url=stack.toss_api_url, timeout=PATIENCE, trust_env=False),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the crowd's loop in its thread."""
        thread = threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    async def enter(self, places: int) -> None:
        """Let so many in."""
        await self._there(self._enter(places))

    async def leave(self) -> None:
        """Let everybody finish what they are doing."""
        await self._there(self._leave())

    async def read_carts(self) -> list[tuple[Shopper, dict[int, int]]]:
        """Have everybody who ever came open the cart once more."""
        return await self._there(self._read_carts())

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _enter(self, places: int) -> None:
        self._places = [asyncio.create_task(self._keep_a_place()) for _ in range(places)]

    async def _keep_a_place(self) -> None:
        while not self._leaving.is_set():
            shopper = self._newcomer()
            self.shoppers.append(shopper)
            await self._live(shopper)

    def _newcomer(self) -> Shopper:
        number = next(self._numbers)
        rng = random.Random(f"{self.seed} {number}")
        return Shopper(
            number,
            Browser(Wire(self.url, PATIENCE), self.tally),
            self.tally,
            rng,
            rng.sample(self.goods, 14),
            self._leaving,
            scripted=rng.random() >= SHARE_WITHOUT_SCRIPTS,
        )

    async def _live(self, shopper: Shopper) -> None:
        rng, payer = shopper.rng, Payer(shopper, self._stand)
        edits = rng.randint(*EDITS_OF_A_LIFE)
        joins_after = rng.randint(3, 30) if rng.random() < SHARE_OF_MEMBERS else -1
        try:
            for edit in range(edits):
                if self._leaving.is_set():
                    return
                await shopper.edit()
                if edit == joins_after and not shopper.purchases:
                    await shopper.sign_up()
                if rng.random() < PER_EDIT_READS:
                    await shopper.read()
                if rng.random() < PER_EDIT_BUYS:
                    await payer.buy()
        except asyncio.CancelledError:
            self.tally.mishap("shoppers who did not finish", shopper.name)
            raise
        except Exception as error:  # noqa: BLE001 - the others go on, and the report has it
            self.tally.mishap("shoppers who stumbled", f"{shopper.name}: {error!r}"[:2000])

    async def _leave(self) -> None:
        self._leaving.set()
        _, late = await asyncio.wait(self._places, timeout=SECONDS_TO_FINISH)
        for place in late:
            place.cancel()
        await asyncio.gather(*self._places, return_exceptions=True)

    async def _read_carts(self) -> list[tuple[Shopper, dict[int, int]]]:
        turn = asyncio.Semaphore(4)

        async def one(shopper: Shopper) -> tuple[Shopper, dict[int, int]]:
            async with turn:
                return shopper, await shopper.see()

        return list(await asyncio.gather(*map(one, self.shoppers)))
