"""The cart's model and the real code, step by step along the same traces: they must agree after each.

What runs is the real code: HotCarts and its scripts, CartPublisher, the handlers of tasks.cart, the
sweeper, the store, on both stacks, each stopped before every call to a machine (`stepping`). The model says
which of them makes its next call; then Redis, the database and the queue are compared with the model's
state: registers, stamps (the real ones are numbered as they appear), watermark, dirty mark, the marks of
a load, the history mark, messages under way.

Redis is a private one: it is really killed, wiped and restored from a copy of its files. The queue is a
list of encoded messages here, since no broker can be told to reorder on demand; a death is a cancelled
task. Not compared: quantities (only whether there is a line) and lifetimes.
"""

import asyncio
import dataclasses
import random
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.cart import hot, service, store
from app.cart.hot import Edit, HotCarts
from app.cart.messages import CartBarrierRaised, CartChanged
from app.cart.snapshot import Snapshot
from app.core.clock import Clock
from app.core.errors import AmqpUnavailableError, RedisLostError, RedisUnavailableError
from app.core.message import Message, decode
from app.infra import keys
from app.infra.background import Background
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.orders.messages import OrderPaid
from tasks.cart import on_cart_messages, on_order_paid
from tests.models.cart import BARRIER, BARRIERS, OLD_BARRIER, UNIT, Cart, Redis, Rules, Snap, State
from tests.models.explorer import explore, options
from tests.models.stepping import Actor, Stepped
from tests.models.test_cart_model import MISSED, NOT_COVERED
from tests.shop import life_of, settings_for
from tests.stack import Machine, Stack

STEPS = 45
SEEDS = range(6)
USUAL = 0.75
MANY_KINDS = 20
REPLAYED = [name for name, (_, model) in NOT_COVERED.items() if "lose broker" not in model.kinds]
PRODUCTS = (101, 102)
ALL_OLD = timedelta(minutes=1)

# Where the real code stands while the model's request, consumer or sweeper is in this phase.
STANDS = {
    "": "",
    "begun": "read",
    "selected": "put_load",
    "ready": "edit",
    "flushing": "history",
    "waiting": "history",
    "edited": "publish",
    "direct": "retrying",
    "merging": "merge_back",
    "held": "retrying",
    "committed": "merge_back",
    "passed": "",
}


class Ahead(Clock):
    """A clock for which every dirty mark is old."""

    def now(self) -> datetime:
        return super().now() + ALL_OLD


class Broker:
    """The queue: encoded messages, in the test's hands. It can refuse, before or after it took one."""

    def __init__(self) -> None:
        self.queue: list[bytes] = []
        self.refuses = self.takes_first = False

    async def publish(self, _key: str, body: bytes, **_: Any) -> None:
        refuses, self.refuses = self.refuses, False
        if not refuses or self.takes_first:
            self.queue.append(body)
        self.takes_first = False
        if refuses:
            raise AmqpUnavailableError("refused")


class Held(Background):
    """Background work that waits until the test lets it run."""

    def __init__(self) -> None:
        super().__init__()
        self.work: list[tuple[Coroutine[Any, Any, Any], asyncio.Future[Any]]] = []

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> Any:  # noqa: ARG002 - as it is called
        self.work.append((work, asyncio.get_running_loop().create_future()))
        return self.work[-1][1]

    async def run(self) -> None:
        waiting, self.work = self.work, []
        for work, ended in waiting:
            ended.set_result(await work)

    def drop(self) -> None:
        for work, ended in self.work:
            work.close()
            ended.cancel()
        self.work = []


class Rig:
    """The real machines of one trace, and the processes that use them."""

    def __init__(self, m: Machines, server: Machine, files: Path, ack: str) -> None:
        self.server, self.files = server, files
        self.backup = files.with_name("backup")
        self.broker = Broker()
        self.redis = Stepped(m.redis, lambda method, args: args[0].name if method == "run" else args[0])
        self.database = Stepped(m.db, lambda method, _: method)
        settings = dataclasses.replace(m.settings, cart_ack=ack)
        self.m = dataclasses.replace(
            m,
            settings=settings,
            redis=self.redis,  # type: ignore[arg-type]
            db=self.database,  # type: ignore[arg-type]
            amqp=Stepped(self.broker, lambda method, _: method),  # type: ignore[arg-type]
        )
        self.owner = f"g:{secrets.token_hex(8)}"
        self.stamps = {0: 0}  # real stamp: the model's
        self.web = self.start_web()
        self.worker = dataclasses.replace(self.m, _kept={})
        self.request: Actor | None = None
        self.consumer: Actor | None = None
        self.sweeper: Actor | None = None
        self.ordered = 0
        self.taken: list[bytes] = []
        self.life = ""

    def start_web(self) -> Machines:
        """Start a web process that remembers nothing."""
        self.leaving = Held()
        return dataclasses.replace(self.m, background=self.leaving, _kept={})

    # Taking the model's steps.

    async def take(self, label: str, before: State, after: State) -> None:
        """Take the step that led the model from one state to the other."""
        who, _, does = label.partition(" ")
        if who == "web":
            assert self.request
            await self.request.go_on({STANDS[after.webs[0].phase]})
        elif who == "worker":
            await self.work(does, before, after)
        elif who == "sweeper":
            await self.sweep(does, after)
        elif who in {"set", "remove", "order"}:
            await self.ask(label, after)
        elif label == "publisher publishes":
            await self.leaving.run()
        elif label == "pay":
            await self.m.db.retrying(lambda tx: service.clear_paid(tx, self.owner, self.ordered))
        elif label == "outbox clears":
            await on_order_paid(self.worker, [OrderPaid("", self.owner, self.ordered)])
        else:
            await self.suffer(label, before, after)
        if after.edits > before.edits:
            self.stamps[int((await self.hash())["last"])] = after.redis.cart.last

    async def ask(self, label: str, after: State) -> None:
        """Let a request arrive, as far as its first step goes."""
        word, _, product = label.partition(" ")
        edits = {"set": "add", "remove": "remove"}
        if word == "order":
            self.request = await Actor(self.order()).stopped()
        else:
            edit = Edit(edits[word], PRODUCTS[int(product)], 1, 99)
            self.request = await Actor(self.edit(edit)).stopped()
        await self.request.go_on({STANDS[after.webs[0].phase]})

    async def edit(self, edit: Edit) -> None:
        done = await self.web.keep(HotCarts).edit(self.owner, edit)
        await service._acknowledge(self.web, done.snapshot)

    async def order(self) -> None:
        self.ordered = (await service.snapshot(self.web, self.owner)).last

    async def work(self, does: str, before: State, after: State) -> None:
        """Let the consumer take a batch, or make its next call with the one it has."""
        if does.startswith("takes"):
            self.taken = [self.picked(message) for message in after.worker.messages]
            batch = [self.message(body) for body in self.taken]
            self.consumer = await Actor(on_cart_messages(self.worker, batch)).stopped()
        elif does == "acknowledges":
            assert self.consumer
            assert not self.consumer.next_call
        else:
            assert self.consumer
            last = "history" if BARRIERS & set(before.worker.messages) else ""
            await self.consumer.go_on(
                {last if after.worker.phase == "merged" else STANDS[after.worker.phase]}
            )

    async def sweep(self, does: str, after: State) -> None:
        if does == "takes":
            self.sweeper = await Actor(service.sweep(self.worker)).stopped()
        assert self.sweeper
        await self.sweeper.go_on({STANDS[after.sweeper.phase]})

    async def suffer(self, fault: str, before: State, after: State) -> None:
        """Let the misfortune of that name happen."""
        match fault:
            case "kill web":
                await self.end(self.request)
                self.leaving.drop()
                self.web = self.start_web()
            case "kill worker":
                self.broker.queue += self.taken if before.worker.phase else []
                await self.end(self.consumer, self.sweeper)
            case "kill redis" | "wipe redis" | "roll back redis":
                await self.restart(fault)
            case "back up redis":
                self.back_up()
            case "duplicate":
                [twice] = Counter(after.queue) - Counter(before.queue)
                self.broker.queue.append(
                    next(body for body in self.broker.queue if self.seen_message(body) == live(twice))
                )
            case "lose publish":
                self.broker.refuses, self.broker.takes_first = True, len(after.queue) > len(before.queue)
                if before.webs == after.webs:
                    await self.leaving.run()
                else:
                    assert self.request
                    await self.request.go_on({STANDS["direct"]})
            case "lose reply":
                self.redis.faults["edit"] = lose_reply
                await self.fail(self.request)
            case _:
                assert fault == "lose merge"
                await self.lose_merge(before, after)

    async def restart(self, fault: str) -> None:
        """Kill Redis and start it with its files, without, or with those of the backup."""
        self.server.kill()
        if fault != "kill redis":
            shutil.rmtree(self.files)
        if fault == "roll back redis":
            shutil.copytree(self.backup, self.files)
        self.server.start()
        await self.redis._pool.disconnect()  # or else this loop hears of the cut connections too late

    async def lose_merge(self, before: State, after: State) -> None:
        self.redis.faults["merge_back"] = lose_call
        if before.worker != after.worker:
            assert self.consumer
            await self.consumer.go_on({"history" if BARRIERS & set(before.worker.messages) else ""})
        else:
            actor = self.sweeper if before.sweeper != after.sweeper else self.request
            assert actor
            await actor.go_on({""})

    async def fail(self, actor: Actor | None) -> None:
        assert actor
        await actor.go_on({""})
        assert isinstance(actor.task.exception(), RedisLostError)

    async def end(self, *actors: Actor | None) -> None:
        for actor in actors:
            if actor:
                await actor.kill()

    async def close(self) -> None:
        await self.end(self.request, self.consumer, self.sweeper)
        self.leaving.drop()

    def back_up(self) -> None:
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.files, self.backup, ignore=shutil.ignore_patterns("*.sock", "lock"))

    # Reading what is, in the model's words.

    async def compare(self, s: State) -> None:
        """Everything the model knows of must be so."""
        assert await self.seen_redis() == shown(s.redis)
        assert await self.seen_database() == live(s.database)
        assert sorted(map(self.seen_message, self.broker.queue)) == sorted(map(live, s.queue))

    async def seen_redis(self) -> Redis:
        fields = await self.hash()
        this_run = self.life = await life_of(self.m)
        score = await self.command("ZSCORE", keys.dirty(keys.bucket(self.owner)), self.owner)
        history = await self.command("GET", keys.generation(0))
        registers = [fields.get(f"p{product}", "0:0").split(":") for product in PRODUCTS]
        one, two = (self.seen_line(int(quantity), int(stamp)) for quantity, stamp in registers)
        return Redis(
            Snap(self.stamps[int(fields.get("last", 0))], self.stamps[int(fields.get("cl", 0))], (one, two)),
            self.stamps[int(float(score or 0))],
            there=bool(fields),
            loaded=fields.get("loaded") == this_run,
            mark=fields.get("ph", "").startswith(this_run),
            history=history == this_run,
        )

    async def seen_database(self) -> Snap:
        async with self.m.db.read() as tx:
            return self.seen(await store.select_cart(tx, self.owner))

    def seen_message(self, body: bytes) -> Snap:
        message = self.message(body)
        if isinstance(message, CartBarrierRaised):
            return live(BARRIER if message.barrier == self.life else OLD_BARRIER)
        assert isinstance(message, CartChanged)
        [cart] = message.carts
        return self.seen(Snapshot.from_json(cart))

    def seen(self, snapshot: Snapshot) -> Snap:
        lines = {line.product_id: self.seen_line(line.quantity, line.stamp) for line in snapshot.lines}
        one, two = (lines.get(product, 0) for product in PRODUCTS)
        return Snap(self.stamps[snapshot.last], self.stamps[snapshot.cleared], (one, two))

    def seen_line(self, quantity: int, stamp: int) -> int:
        return self.stamps[stamp] * UNIT + bool(quantity)

    def message(self, body: bytes) -> Message:
        envelope = decode(body)
        kind = CartChanged if envelope.type == CartChanged.TYPE else CartBarrierRaised
        return kind.read(envelope.data)

    def picked(self, message: Snap) -> bytes:
        """Take a message that says this out of the queue."""
        body = next(body for body in self.broker.queue if self.seen_message(body) == live(message))
        self.broker.queue.remove(body)
        return body

    async def hash(self) -> dict[str, str]:
        found: dict[str, str] = await self.command("HGETALL", keys.cart(self.owner))
        return found

    async def command(self, *words: str | int) -> Any:
        return await self.m.redis.command(*words)


async def lose_reply(call: Coroutine[Any, Any, Any]) -> None:
    """The call is done, and nobody hears of it."""
    await call
    raise RedisLostError("lost")


async def lose_call(call: Coroutine[Any, Any, Any]) -> None:
    """The call never arrives."""
    call.close()
    raise RedisUnavailableError("away")


def live(snap: Snap) -> Snap:
    """Return a snapshot with 1 for every quantity that is not 0."""
    one, two = (line - line % UNIT + bool(line % UNIT) for line in snap.lines)
    return snap._replace(lines=(one, two))


def shown(redis: Redis) -> Redis:
    return redis._replace(cart=live(redis.cart))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def apart(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Machines, Machine, Path]]:
    """Machines nobody else works with: no worker, and a Redis that may be killed."""
    files = tmp_path_factory.mktemp("apart") / "redis"
    server = type(stack.redis)(files)  # type: ignore[call-arg]
    server.start()
    own = dataclasses.replace(stack, redis=server, database_url=stack.create_database())
    m = build_machines(settings_for(own, files.parent), Ahead())
    await migrate(m.db)
    yield m, server, files
    await m.close()
    server.stop()


async def follow(rig: Rig, model: Cart, labels: Sequence[str]) -> None:
    """Take exactly these steps; where a label means several, the first."""
    state = model.start
    for label in labels:
        after = next(after for name, after in options(model, state) if name == label)
        await rig.take(label, state, after)
        await rig.compare(after)
        state = after


async def wander(rig: Rig, model: Cart, seed: int) -> list[str]:
    """Take any steps, those of machines three times as often as others; return their labels."""
    chance = random.Random(seed)
    state, taken = model.start, []
    for _ in range(STEPS):
        steps = [step for step in model.steps(state) if step[0] != "web waits no longer"]
        chances = list(model.chances(state))
        if not steps and not chances:
            break
        usual = steps and (not chances or chance.random() < USUAL)
        label, after = chance.choice(steps if usual else chances)
        taken.append(label)
        try:
            await rig.take(label, state, after)
            await rig.compare(after)
        except BaseException as error:
            error.add_note(f"seed {seed}: " + "; ".join(taken))
            raise
        state = after
    return taken


@pytest_asyncio.fixture(loop_scope="session")
async def start(
    apart: tuple[Machines, Machine, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], Awaitable[Rig]]]:
    """Return how to begin a trace: a Redis with history and nothing else, its first backup made."""
    m, server, files = apart
    monkeypatch.setattr(hot, "BARRIER_SECONDS", 60.0)  # the model waits for the barrier however long it takes
    monkeypatch.setattr(hot, "TRIES", 60)
    begun = []

    async def begin(ack: str) -> Rig:
        await m.redis.command("FLUSHALL")
        rig = Rig(m, server, files, ack)
        begun.append(rig)
        rig.life = await life_of(m)
        await rig.web.keep(HotCarts).start_history(rig.life)
        rig.back_up()
        return rig

    yield begin
    for rig in begun:
        await rig.close()


@pytest.mark.parametrize("ack", ["redis", "confirm"])
async def test_the_code_does_what_the_model_does(
    start: Callable[[str], Awaitable[Rig]], ack: str, record_property: Callable[[str, object], None]
) -> None:
    taken: Counter[str] = Counter()
    for seed in SEEDS:
        model = Cart(edits=6, faults=3, ack=ack, removals=True)
        taken.update(await wander(await start(ack), model, seed))
    record_property("steps", dict(taken))
    assert len(taken) > MANY_KINDS, taken


@pytest.mark.parametrize("name", REPLAYED)
async def test_what_is_not_covered_is_so_in_the_code_too(
    start: Callable[[str], Awaitable[Rig]], name: str
) -> None:
    """The model's shortest ways to its known limits: the code goes them too, and ends as the model does."""
    _, model = NOT_COVERED[name]
    await follow(await start(model.ack), model, explore(model).trace)


@pytest.mark.parametrize("rule", ["check_score", "merge_back", "watermark"])
async def test_a_model_with_a_rule_less_is_found_out(
    start: Callable[[str], Awaitable[Rig]], rule: str
) -> None:
    """Otherwise the comparison would be worth nothing."""
    _, model = MISSED[rule]
    wrong = dataclasses.replace(model, rules=Rules(**{rule: False}))
    with pytest.raises(AssertionError):
        await follow(await start(model.ack), wrong, explore(wrong).trace)
