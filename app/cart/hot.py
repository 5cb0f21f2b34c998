"""The cart as it lives in Redis: one script, one round trip, per reading or edit."""

import asyncio
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.cart import messages, store
from app.cart.publisher import CartPublisher
from app.cart.snapshot import MOST_STAMP, OWNER, SnapLine, Snapshot
from app.core.errors import (
    AmqpUnavailableError,
    DatabaseUnavailableError,
    RedisLostError,
    RedisTypeError,
    UnavailableError,
)
from app.core.ids import idempotency_key
from app.core.message import enclose
from app.infra import keys, metrics
from app.infra.log import trace
from app.infra.redis import Script, load_script
from app.machines import Machines

LUA = Path(__file__).parent / "lua"
TRIES = 8  # a cut connection, no history, not loaded, loaded by another, broken: each may happen once
BARRIER_SECONDS = 4.0
BARRIER_POLL_SECONDS = 0.05
# What the scripts write (register.lua); anything else is dropped by repair.lua.
PRODUCT = re.compile(r"p([1-9]\d{0,8})", re.ASCII)
LINE = re.compile(r"(\d{1,2}):(\d{1,16})", re.ASCII)
UNDO = re.compile(r"([1-9]\d{0,8}):(\d{1,2}):(\d{1,16})", re.ASCII)
NUMBER = re.compile(r"\d{1,16}", re.ASCII)
KEYS = re.compile(r"[ 0-9A-Fa-f]{0,1089}", re.ASCII)
MOVED_TO = re.compile(rf"(?:{OWNER.pattern}):\d{{1,16}}", re.ASCII)
MOVED_FROM = re.compile(r"\d{1,16}:\d{1,16}", re.ASCII)
NOTES = {"keys": KEYS, "to": MOVED_TO, "from": MOVED_FROM}
PRICE = re.compile(r"c([1-9]\d{0,8})", re.ASCII)
WON = re.compile(r"\d{1,12}", re.ASCII)
READ = ("read", 0, 0, 0, "", 0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edit:
    """What to do to a cart: read, add, set, remove, undo."""

    operation: str
    product_id: int = 0
    quantity: int = 0
    most: int = 0
    form_key: str = ""
    price: int = 0

    @property
    def is_repeatable(self) -> bool:
        """Whether doing it twice is doing it once, so that a lost answer may be asked for again."""
        return self.operation in {"read", "set", "remove"} or (
            self.operation == "add" and self.form_key != ""
        )


@dataclass(frozen=True, slots=True)
class HotCart:
    """What Redis answered: the outcome of the edit, the cart, and what was removed last."""

    outcome: str  # OK, CAPPED, FULL, GONE, NOTHING, LATER
    snapshot: Snapshot
    undo: SnapLine | None
    sound: bool  # False: something lay there that none of us wrote, and was left out
    prices: dict[int, int]  # what goods cost in won when they were put in, where this Redis knows it


class HotCarts:
    """The scripts, and the carts they work on."""

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._barrier = asyncio.Lock()
        self._met_history = False
        parts = LUA / "register.lua"
        self._scripts = {
            name: load_script(LUA / f"{name}.lua", parts)
            for name in (
                "edit",
                "begin_load",
                "put_load",
                "merge_back",
                "clear",
                "merge_guest",
                "move",
                "snapshot",
                "repair",
                "history",
            )
        }

    async def edit(self, owner: str, edit: Edit) -> HotCart:
        """Do one edit, in the member's cart for a minute after a guest's cart went into it.

        Raises RedisUnavailableError, or DatabaseUnavailableError for a cold cart.
        """
        args = (edit.operation, edit.product_id, edit.quantity, edit.most, edit.form_key, edit.price)
        return await self._ready(owner, self._scripts["edit"], args, again=edit.is_repeatable)

    async def take_guest(self, owner: str, guest: Snapshot) -> HotCart:
        """Join a guest's lines into a member's cart, the larger quantity of each, each line once."""
        args: list[str | int] = [guest.owner, guest.last, *_flat(guest.live)]
        return await self._ready(owner, self._scripts["merge_guest"], args, again=True)

    async def move(self, guest: str, stamp: int, member: str) -> HotCart:
        """Drop a guest's lines up to ``stamp``, and send who comes next to the member's cart.

        LATER: there are later lines, and nobody is sent there yet.
        """
        return await self._ready(guest, self._scripts["move"], [member, stamp], again=True)

    async def clear(self, owner: str, stamp: int) -> None:
        """Drop the lines up to ``stamp``: they are paid for."""
        await self._run("clear", owner, [stamp])

    async def merge_back(self, snapshot: Snapshot) -> None:
        """Tell Redis that the database has this snapshot."""
        args: list[str | int] = [snapshot.owner, snapshot.last, snapshot.cleared, *_flat(snapshot.lines)]
        await self._run("merge_back", snapshot.owner, args)

    async def snapshot(self, owner: str) -> Snapshot:
        """Return the cart as it stands, without joining it with the database."""
        cart = _read(owner, await self._run("snapshot", owner, []))
        if not cart.sound:
            await self._repair(owner)
        return cart.snapshot

    async def dirty_owners(self, before: int, limit: int, *, ahead: int = MOST_STAMP) -> list[str]:
        """Return owners whose last edit (µs) is older than ``before`` and may not be in the database.

        Or later than ``ahead``: the clock was set back since, and would come to it only after a while.
        """
        owners: list[str] = []
        for number in range(keys.BUCKETS):
            owners += await self._dirty_of(number, "-inf", before, limit)
            owners += await self._dirty_of(number, ahead, "+inf", limit)
        return owners

    async def _dirty_of(self, number: int, first: int | str, last: int | str, limit: int) -> list[str]:
        try:
            found = await self._m.redis.command(
                "ZRANGEBYSCORE", keys.dirty(number), first, last, "LIMIT", 0, limit
            )
        except RedisTypeError:
            _report(await self._m.redis.run(self._scripts["repair"], [keys.dirty(number)], [""]), number)
            return []
        strangers = [owner for owner in found if not OWNER.fullmatch(owner)]
        if strangers:
            _report(await self._m.redis.command("ZREM", keys.dirty(number), *strangers), number)
        return [owner for owner in found if OWNER.fullmatch(owner)]

    async def start_history(self, life: str) -> None:
        """Mark that Redis has a history, if it is still that life of it: carts may be loaded again."""
        for number in reversed(range(keys.BUCKETS)):  # bucket 0 is the one that is asked about: it comes last
            await self._ask_history(number, life)

    async def raise_barrier(self) -> None:
        """Let every edit already on its way reach the database before a cart is loaded from it.

        Needed whenever Redis began anew: it may have lost its disk, or have got an older one back. Without
        it nothing would be lost by a wipe, but shoppers would for a moment see older carts; and who ordered
        one of those would have bought away the edits it lacks. When the broker is away there is nothing to
        wait for.
        """
        async with self._barrier:
            life, mark = await self._ask_history()
            if mark == "this":
                return
            if mark == "none":
                await self._report_loss()
            await self._m.keep(CartPublisher).flush()
            try:
                async with asyncio.timeout(BARRIER_SECONDS):
                    await self._send_barrier(life)
                    while await self._ask_history() == (life, mark):  # noqa: ASYNC110 - another process marks it
                        await asyncio.sleep(BARRIER_POLL_SECONDS)
            except TimeoutError:
                await self.start_history(life)

    async def _report_loss(self) -> None:
        """Say so when there was a history, and what that may mean; a first start is nothing to report."""
        if not (self._met_history or await self._is_known_to_database()):
            return
        metrics.alarms.labels("redis_history_lost").inc()
        missing = (
            "what was edited in the last moments is missing if a web process ended before it was published"
            if self._m.settings.cart_ack == "redis"
            else "nothing is missing"
        )
        log.error("alarm redis_history_lost: carts are read from the database again; %s", missing)

    async def _is_known_to_database(self) -> bool:
        try:
            async with self._m.db.read() as tx:
                return await store.has_carts(tx)
        except DatabaseUnavailableError:
            return False

    async def _send_barrier(self, life: str) -> None:
        message = messages.CartBarrierRaised(life)
        envelope = enclose(message, id_=idempotency_key(), now=self._m.clock.now(), trace=trace.get())
        while True:
            try:
                return await self._m.amqp.publish(
                    message.TYPE, envelope.encode(), message_id=envelope.id, type_=message.TYPE
                )
            except AmqpUnavailableError:
                await asyncio.sleep(BARRIER_POLL_SECONDS)

    async def _ask_history(self, number: int = 0, life: str = "") -> tuple[str, str]:
        """Return Redis' present life, and whose mark a bucket has; ``life`` marks it first, if it is that."""
        script = self._scripts["history"]
        run_id, mark = await self._m.redis.run(script, [keys.generation(number)], [life])
        self._met_history = self._met_history or mark != "none"
        return run_id, mark

    async def _ready(self, owner: str, script: Script, args: Sequence[str | int], *, again: bool) -> HotCart:
        """Run a script on a loaded cart; ``again``: once more when a restarted Redis cut us off."""
        outcome = ""
        for _ in range(TRIES):
            names = [keys.cart(owner), _dirty(owner), keys.generation(keys.bucket(owner))]
            try:
                answer = await self._m.redis.run(script, names, [owner, keys.CART_SECONDS, *args])
            except RedisLostError:
                if not again:
                    raise
                again = False
                continue
            except RedisTypeError:
                answer = ["BAD", []]
            if answer[0] == "NG":
                await self.raise_barrier()
            elif answer[0] == "NL":
                await self._load(owner)
            elif answer[0] == "BAD":
                await self._repair(owner)
            elif answer[0] in {"MOVED", "COUNTED"}:
                owner = answer[1]
                args = READ if answer[0] == "COUNTED" else args
            else:
                self._met_history = True
                cart = _read(owner, answer)
                outcome = outcome or cart.outcome
                if cart.sound or not await self._repair(owner):
                    return cart if cart.outcome == outcome else replace(cart, outcome=outcome)
                # The edit is done. The answer is the cart of the database joined with what is sound here.
                script, args = self._scripts["edit"], READ
        raise UnavailableError("cart not ready")

    async def _load(self, owner: str) -> None:
        token = await self._run("begin_load", owner, [secrets.token_hex(8), keys.CART_SECONDS])
        async with self._m.db.read() as tx:
            known = await store.select_cart(tx, owner)
        args: list[str | int] = [token, known.last, known.cleared, *_flat(known.lines)]
        await self._run("put_load", owner, args)

    async def _run(self, name: str, owner: str, args: Sequence[str | int]) -> Any:
        names = [keys.cart(owner), _dirty(owner)]
        try:
            return await self._m.redis.run(self._scripts[name], names, args)
        except RedisTypeError:
            await self._repair(owner)
            return await self._m.redis.run(self._scripts[name], names, args)

    async def _repair(self, owner: str) -> int:
        names = [_dirty(owner), keys.cart(owner)]
        dropped = int(await self._m.redis.run(self._scripts["repair"], names, [owner]))
        _report(dropped, keys.bucket(owner))
        return dropped


def _report(dropped: int, bucket: int) -> None:
    if dropped:
        metrics.alarms.labels("corrupt_cart").inc()
        log.error("alarm corrupt_cart: %d broken parts dropped in bucket %d of Redis", dropped, bucket)


def _dirty(owner: str) -> str:
    return keys.dirty(keys.bucket(owner))


def _flat(lines: Sequence[SnapLine]) -> list[int]:
    return [number for line in lines for number in line]


def _read(owner: str, answer: Any) -> HotCart:
    """Read what a script answered; what is broken is left out, as if it were not there."""
    outcome, flat = answer
    lines = []
    prices = {}
    stamps = {"last": 0, "cl": 0}
    undo = None
    sound = True
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        kind, number_written = name[:1], name[1:]
        if kind == "p" and number_written.isdecimal():
            line = _line(name, value)
            sound = sound and line is not None
            if line is not None:
                lines.append(line)
        elif kind == "c" and PRICE.fullmatch(name):
            is_won = WON.fullmatch(value) is not None
            sound = sound and is_won
            if is_won:
                prices[int(number_written)] = int(value)
        elif name in stamps:
            number = _number(value)
            sound = sound and number is not None
            stamps[name] = number or 0
        elif name == "undo":
            found = UNDO.fullmatch(value)
            undo = SnapLine(*map(int, found.groups())) if found else None
            sound = sound and found is not None
        else:
            shape = NOTES.get("from" if name.startswith("from:") else name)
            sound = sound and (shape is None or shape.fullmatch(value) is not None)
    snapshot = Snapshot(owner, stamps["last"], stamps["cl"], tuple(sorted(lines)))
    return HotCart(outcome, snapshot, undo, sound, prices)


def _line(name: str, value: str) -> SnapLine | None:
    product, written = PRODUCT.fullmatch(name), LINE.fullmatch(value)
    if product is None or written is None:
        return None
    stamp = int(written[2])
    return SnapLine(int(product[1]), int(written[1]), stamp) if stamp <= MOST_STAMP else None


def _number(written: str) -> int | None:
    number = int(written) if NUMBER.fullmatch(written) else None
    return number if number is not None and number <= MOST_STAMP else None
