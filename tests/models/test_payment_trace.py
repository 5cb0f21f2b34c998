"""The model of a payment and the real code, step by step along the same traces: they must agree after each.

Two buyers come back from the sandbox's window for the last piece. What runs is the real code, stopped
before every transaction and every call to Toss (`stepping`): the claim, the confirmation, look-ups, the
settling and the reconciliation. A confirmation reaches the sandbox when the model says so, whether or not
anybody still waits for it. After each step state, goods held, stock, Toss's view, the charges in the
sandbox's books and the idempotency key are compared.

Left out: virtual accounts, webhooks and refunds, which have their own tests; Toss being worse than in
life.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from app.cart.hot import HotCarts
from app.core.clock import Clock
from app.infra.migrations import migrate
from app.machines import Machines, build_machines
from app.main import create_app
from app.models import webhook_events
from app.payments import confirm, reconcile, settle, store, webhooks
from app.payments.arrival import Arrival
from app.payments.attempt import Attempt as Row
from app.payments.payment import TossPayment
from app.payments.toss import Toss, TossError, TossUnknown
from app.payments.turns import service as turns
from app.payments.turns.claim import Claim, claim
from app.stock import store as stock
from tests.buyer import Buyer, assert_books, attempts, make_older, stand_of, states, toss_row, webhook
from tests.goods import last_teapot, stock_of
from tests.models.explorer import options
from tests.models.payment import Attempt, Books, Selling
from tests.models.stepping import Actor, Stepped, turn
from tests.shop import Shop, life_of, settings_for
from tests.stack import Stack
from tests.toss_stand import Stand

STEPS = 40
SEEDS = range(8)
MANY_KINDS = 18
RARE = {  # these end a trace early, or make it go round in circles
    "expire": 0.05,
    "Toss lets it expire": 0.05,
    "Toss refuses for now": 0.3,
    "web dies": 0.3,
    "task dies": 0.3,
}

# What the sandbox is told to answer, and the model's word for it; without one it answers as it likes.
REJECTIONS = {
    "Toss declines": "REJECT_CARD_PAYMENT",
    "Toss refuses for now": "NOT_FOUND_TERMINAL_ID",
    "Toss errs": "PROVIDER_ERROR",
}
VIEWS = {"READY": "OPEN", "IN_PROGRESS": "OPEN", "DONE": "DONE", "ABORTED": "DEAD", "EXPIRED": "DEAD"}
LOOKED_UP = frozenset({"retrying", "write", "confirm", ""})  # where a caller stands once it knows Toss's view


@dataclass(eq=False)
class Request:
    """A confirmation on its way, and who waits for its answer ('' nobody)."""

    who: str
    asked: tuple[str, str, int, str]
    answer: TossPayment | TossError | None = None


class Wire:
    """Toss behind a wire on which a confirmation stays until the test lets it arrive."""

    def __init__(self, toss: Toss) -> None:
        self.toss = toss
        self.sent: Request | None = None

    async def confirm(self, *asked: Any) -> TossPayment:
        await turn("confirm")
        self.sent = request = Request("", asked)
        await turn("answer")
        if isinstance(request.answer, TossPayment):
            return request.answer
        assert request.answer
        raise request.answer

    async def find_by_key(self, payment_key: str) -> TossPayment | None:
        await turn("find")
        return await self.toss.find_by_key(payment_key)


@dataclass
class Tried:
    """A buyer's real attempt, and who is at work on it."""

    order_no: str
    arrival: Arrival
    flying: list[Request] = field(default_factory=list)
    callers: dict[str, Actor] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


class Rig:
    """The real shop of one trace; its attempts stand in the order of the model's."""

    def __init__(self, shop: Shop, stand: Stand, product_id: int, tried: list[Tried]) -> None:
        self.shop, self.stand, self.product_id, self.tried = shop, stand, product_id, tried
        self.wire = Wire(shop.m.toss)
        self.m: Machines = replace(
            shop.m,
            db=Stepped(shop.m.db, lambda method, _: method),  # type: ignore[arg-type]
            toss=self.wire,  # type: ignore[arg-type]
            _kept={},
        )

    # Taking the model's steps.

    async def take(self, label: str, before: Books, after: Books) -> None:
        """Take the step that led the model from one state to the other."""
        if before.attempts == after.attempts:  # a step that changes nothing is taken all the same, later
            return
        [old], [new] = (
            list((Counter(one) - Counter(other)).elements())
            for one, other in (
                (before.attempts, after.attempts),
                (after.attempts, before.attempts),
            )
        )
        place = before.attempts.index(old)
        tried = self.tried[place]
        await self.move(label, old, new, tried)
        now = list(before.attempts)
        now[place] = new
        order = sorted(range(len(now)), key=lambda each: now[each])
        self.tried = [self.tried[each] for each in order]

    async def move(self, label: str, old: Attempt, new: Attempt, tried: Tried) -> None:
        who, _, does = label.partition(" ")
        if who in {"web", "task"}:
            await self.call(who, does, getattr(new, who).phase, tried)
        elif label == "come back":
            result = await confirm.find_result(self.shop.m, tried.arrival.payment_no)
            claimed = Claim(result.attempt, result.order, tried.arrival.payment_key)
            tried.callers["web"] = await Actor(come_back(self.m, claimed)).stopped()
            await tried.callers["web"].go_on({"confirm", ""})
        elif label == "expire":
            await make_older(self.shop, tried.order_no, 31)
            row = await self.row(tried)
            await settle.transact(self.m, lambda tx: reconcile._expire(self.m, tx, row))
        elif label == "Toss lets it expire":
            await self.stand.act(tried.arrival.payment_key, "expire")
        else:
            [(waits, key)] = Counter(old.flying) - Counter(new.flying)
            await self.arrive(label, waits, tried.keys[key], tried)

    async def call(self, who: str, does: str, phase: str, tried: Tried) -> None:
        """Let a caller do its next thing, or die, or tire."""
        if does == "asks":
            tried.callers[who] = await Actor(reconcile._check(self.m, await self.row(tried))).stopped()
            await tried.callers[who].go_on({"find"})
            does = "looks up"
        caller = tried.callers[who]
        if does == "sends":
            await caller.go_on({"answer"})
            assert self.wire.sent
            self.wire.sent.who = who
            tried.flying.append(self.wire.sent)
        elif does == "looks up":
            await caller.go_on(LOOKED_UP)
        elif does == "settles" and phase == "sending":
            assert caller.next_call == "confirm"
        elif does == "settles" and caller.next_call:
            await caller.go_on({""})
        elif does == "tires":
            self.forget(who, tried, TossUnknown("timeout"))
            await caller.go_on({"find"})
        elif does == "dies":
            self.forget(who, tried, None)
            await caller.kill()

    def forget(self, who: str, tried: Tried, answer: TossError | None) -> None:
        """Nobody waits any more for what this caller sent; it may still arrive."""
        for request in tried.flying:
            if request.who == who:
                request.who, request.answer = "", answer

    async def arrive(self, label: str, who: str, key: str, tried: Tried) -> None:
        """Let a confirmation reach the sandbox, and its answer whoever waits for it."""
        request = next(one for one in tried.flying if one.who == who and one.asked[3] == key)
        tried.flying.remove(request)
        if label in REJECTIONS:
            await self.stand.fault("reject", code=REJECTIONS[label], orderId=tried.arrival.payment_no)
        try:
            answer: TossPayment | TossError = await self.shop.m.toss.confirm(*request.asked)
        except TossError as error:
            answer = error
        if who:
            request.answer = answer
            await tried.callers[who].go_on({"retrying", "find"})

    # Reading what is, in the model's words.

    async def compare(self, s: Books) -> None:
        """Everything the model knows of must be so."""
        books = await self.stand.ledger()
        async with self.shop.m.db.read() as tx:
            assert await stock_of(tx, self.product_id) == s.stock
        for tried, attempt in zip(self.tried, s.attempts, strict=True):
            row = await self.row(tried)
            if row.idempotency_key and row.idempotency_key not in tried.keys:
                tried.keys.append(row.idempotency_key)
            assert await self.seen(row, tried, books) == (
                attempt.status,
                attempt.held,
                attempt.toss,
                attempt.kept,
                attempt.key if attempt.status == "CONFIRMING" else None,
                attempt.asked if attempt.status == "CONFIRMING" else None,
                [*attempt.flying],
            ), (attempt, row)

    async def seen(self, row: Row, tried: Tried, books: dict[str, Any]) -> tuple[object, ...]:
        async with self.shop.m.db.read() as tx:
            held = await stock.select_held(tx, row.web_payment_id)
        payment = await self.shop.m.toss.find_by_key(tried.arrival.payment_key)
        assert payment
        confirming = row.status == "CONFIRMING"
        return (
            row.status,
            sum(quantity for _, quantity in held),
            VIEWS[payment.status],
            books["charges"].get(row.payment_no, 0),
            tried.keys.index(row.idempotency_key) if confirming and row.idempotency_key else None,
            row.checks > 0 if confirming else None,
            sorted((request.who, tried.keys.index(request.asked[3])) for request in tried.flying),
        )

    async def row(self, tried: Tried) -> Row:
        async with self.shop.m.db.read() as tx:
            row = await store.select_by_no(tx, tried.arrival.payment_no)
        assert row
        return row

    async def close(self) -> None:
        for tried in self.tried:
            for caller in tried.callers.values():
                await caller.kill()


async def come_back(m: Machines, one: Claim) -> None:
    """Do for one what is done for those whose turn has come."""
    [claimed] = await claim(m, [one])
    if isinstance(claimed, Row):
        await turns.confirm(m, claimed)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop without a worker: nothing happens in it of itself."""
    own = replace(stack, database_url=stack.create_database())
    settings = settings_for(own, tmp_path_factory.mktemp("quiet"))
    m = build_machines(settings)
    await migrate(m.db)
    await m.keep(HotCarts).start_history(await life_of(m))
    yield Shop(own, m, create_app(settings, m))
    await m.close()


async def prepare(shop: Shop, stand: Stand) -> Rig:
    """Two buyers who come back from Toss's window, and one piece."""
    product_id = await last_teapot(shop.m)
    tried = []
    for buyer in [Buyer(shop, shop.visitor(), stand) for _ in range(2)]:
        order_no = await buyer.order((product_id, 1))
        query = parse_qs(urlsplit(await buyer.authenticate(order_no)).query)
        payment_no, payment_key = query["orderId"][0], query["paymentKey"][0]
        tried.append(Tried(order_no, Arrival(payment_key, payment_no, int(query["amount"][0]))))
    return Rig(shop, stand, product_id, tried)


async def test_the_code_does_what_the_model_does(quiet: Shop, record_property: Any) -> None:
    model = Selling(orders=2, units=1, webhooks=False)
    taken: Counter[str] = Counter()
    async with stand_of(quiet) as stand:
        for seed in SEEDS:
            rig = await prepare(quiet, stand)
            try:
                taken.update(await wander(rig, model, seed))
            finally:
                await rig.close()
    record_property("steps", dict(taken))
    print(dict(taken))  # noqa: T201 - shown with -s, and when the test fails
    assert len(taken) > MANY_KINDS, taken


async def wander(rig: Rig, model: Selling, seed: int) -> list[str]:
    """Take any steps; return their labels."""
    chance = random.Random(seed)
    state = model.start
    taken: list[str] = []
    while len(taken) < STEPS and (possible := list(options(model, state))):
        weights = [RARE.get(label, 1.0) for label, _ in possible]
        [(label, after)] = chance.choices(possible, weights)
        taken.append(label)
        try:
            await rig.take(label, state, after)
            await rig.compare(after)
        except BaseException as error:
            error.add_note(f"seed {seed}: " + "; ".join(taken))
            raise
        state = after
    return taken


async def test_a_deposit_at_the_moment_its_time_is_over_is_not_forgotten(quiet: Shop) -> None:
    """The model's counter-example without `ask_again`: both asked before either settled."""
    async with stand_of(quiet) as stand:
        buyer = Buyer(quiet, quiet.visitor(), stand)
        order_no = await buyer.order((await last_teapot(quiet.m), 1))
        url = await buyer.authenticate(order_no, "VIRTUAL_ACCOUNT")
        await buyer.come_back(url)
        [payment_key] = parse_qs(urlsplit(url).query)["paymentKey"]
        [row] = await attempts(quiet, order_no)
        rig = Rig(quiet, stand, 0, [])
        async with quiet.m.db.read() as tx:
            waiting = await store.select_attempt(tx, row.web_payment_id)
        due_at = (await toss_row(quiet, row.web_payment_id)).account_due_at
        late = replace(rig.m, clock=Overdue(due_at))
        task = await Actor(reconcile._check(late, waiting)).stopped()
        await task.go_on({"find"})
        await task.go_on({"retrying"})
        await stand.act(payment_key, "deposit")
        await webhook(quiet, stand, payment_key)
        async with quiet.m.db.read() as tx:
            newest = (await tx.execute(select(func.max(webhook_events.c.webhook_event_id)))).scalar_one()
        hook = await Actor(webhooks.handle(rig.m, newest)).stopped()
        await hook.go_on({"find"})
        await hook.go_on({"retrying"})
        await task.go_on({""})
        assert await states(quiet, order_no) == ("EXPIRED", ["EXPIRED"])
        await hook.go_on({""})
        assert await states(quiet, order_no) == ("PAID", ["PAID"])
        await assert_books(quiet, stand, order_no)


class Overdue(Clock):
    """A clock by which a deposit is overdue, wherever other tests have moved the sandbox's."""

    def __init__(self, due_at: datetime) -> None:
        self._due_at = due_at

    def now(self) -> datetime:
        return self._due_at + timedelta(days=1)
