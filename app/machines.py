"""The bundle of machines every service is handed, and how it is built from settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.core.clock import Clock
from app.infra import words
from app.infra.amqp import Amqp
from app.infra.background import Background
from app.infra.db import Database
from app.infra.redis import Redis
from app.payments.toss import Toss
from app.settings import Settings

T = TypeVar("T")

# Commands such as migrate and seed need the database alone, and name no other machine.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Machines:
    """Everything outside the process that the shop works with, and the clock."""

    settings: Settings
    clock: Clock
    db: Database
    redis: Redis
    amqp: Amqp
    toss: Toss
    background: Background = field(default_factory=Background)
    _kept: dict[Any, Any] = field(default_factory=dict)

    def keep(self, make: "Callable[[Machines], T]") -> T:
        """Return the one ``make(self)`` of these machines: a room's cache or gate, made at first use."""
        if make not in self._kept:
            self._kept[make] = make(self)
        kept: T = self._kept[make]
        return kept

    async def close(self) -> None:
        """Finish what runs in the background, then close every connection."""
        await self.background.drain(self.settings.drain_seconds)
        await self.amqp.close()
        await self.toss.close()
        await self.redis.close()
        await self.db.close()


def build_machines(settings: Settings, clock: Clock | None = None) -> Machines:
    """Build the bundle. Nothing is connected yet; every machine connects when it is first needed."""
    clock = clock or Clock()
    words.load()
    return Machines(
        settings=settings,
        clock=clock,
        db=Database(settings.database, clock),
        redis=Redis(settings.redis_url or f"redis://{NOWHERE}"),
        amqp=Amqp(settings.amqp_url or f"amqp://{NOWHERE}"),
        toss=Toss(settings.toss_api_url, settings.toss_secret_key),
    )
