"""A model of the cart's protocol: one cart, two products, and everything that holds a copy of it.

Modelled, one atomic step for each call to a machine: the scripts of app/cart/lua (edit, begin_load,
put_load, merge_back, clear, snapshot), the load (placeholder, SELECT, put), publishing with what
gathers meanwhile joined, batches of the consumer (commit, merge back, pass the barrier, acknowledge),
the sweeper, the barrier after a loss of history, ordering and paying (the watermark), emptying the hot
cart; both modes of CART_ACK. A register is one number, ``stamp * 10 + quantity``, where edit number n
sets the quantity to n; 0 is an absent line, a quantity of 0 a removed one.

What may go wrong, within a budget: see FAULTS. Each rule of the protocol can be taken away (`Rules`),
to see that the model misses it.

Left out: time (lifetimes of keys, tombstones purged after 30 days, time-outs other than the barrier's),
the limits of a cart, form keys, undo, merging guests, two databases' locks, a second consumer.
Stamps count the edits, so the clock never steps back in the same moment in which Redis is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

UNIT = 10  # a register is stamp * UNIT + quantity

FAULTS = {
    "kill web": "the web process dies, with the edits it has not published",
    "kill worker": "the worker dies, the sweeper with it; what it had not acknowledged comes again",
    "kill redis": "Redis dies and comes back with its file",
    "wipe redis": "Redis comes back empty",
    "roll back redis": "Redis comes back with an older file",
    "lose publish": "a message does not reach the broker, or its confirmation does not come back",
    "duplicate": "a message is delivered twice",
    "lose broker": "the broker comes back empty",
    "lose reply": "an edit is done, but nobody is told",
    "lose merge": "Redis does not hear what the database has",
}
NO_SECOND_DISK = frozenset(FAULTS) - {"lose broker"}  # losing both stores' disks is what backups are for


class Snap(NamedTuple):
    """A cart as it travels, and as each machine keeps it."""

    last: int = 0
    cleared: int = 0
    lines: tuple[int, int] = (0, 0)


EMPTY = Snap()
BARRIER = Snap(-1, -1, (-1, -1))  # the other kind of message
OLD_BARRIER = Snap(-2, -2, (-2, -2))  # one that was raised for an earlier life of Redis
BARRIERS = frozenset({BARRIER, OLD_BARRIER})


class Redis(NamedTuple):
    """The hot cart. `there`: its key exists; `mark`: a load is under way; `history`: gen names this life."""

    cart: Snap = EMPTY
    dirty: int = 0
    there: bool = False
    loaded: bool = False
    mark: bool = False
    history: bool = True


class Web(NamedTuple):
    """A request: what it wants (a product to set or remove, or to order) and how far it is."""

    phase: str = ""
    wants: str = ""
    token: bool = False  # whether the mark of its load still stands
    snap: Snap = EMPTY


class Work(NamedTuple):
    """The consumer with a batch, or the sweeper with a snapshot."""

    phase: str = ""
    messages: tuple[Snap, ...] = ()
    snap: Snap = EMPTY


class Order(NamedTuple):
    """What was ordered: '' nothing yet, ordered, paid, and cleared in Redis too; up to which stamp."""

    phase: str = ""
    stamp: int = 0


class State(NamedTuple):
    """Everything. `acked` and `tried`: per product the newest edit the shopper was, or was not, told of."""

    redis: Redis
    backup: Redis
    database: Snap
    queue: tuple[Snap, ...]
    webs: tuple[Web, ...]
    leaving: Snap
    worker: Work
    sweeper: Work
    order: Order
    acked: tuple[int, int]
    tried: tuple[int, int]
    edits: int
    faults: int
    stale: bool


IDLE_WEB, IDLE_WORK = Web(), Work()
NOT_DONE = frozenset({"begun", "selected", "ready", "flushing", "waiting"})  # the edit itself comes later
Step = tuple[str, State]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the protocol; each can be taken away."""

    join: bool = True  # registers are joined by stamp, a snapshot is not written over what is there
    join_batches: bool = True  # also when messages of one cart are coalesced: not just the newest one
    clock: bool = True  # stamps follow the clock; otherwise they count what this Redis remembers
    tombstones: bool = True  # a removed line stays in the database, with its stamp
    watermark: bool = True  # what is paid for is remembered, not only deleted
    sweeper: bool = True
    placeholder: bool = True  # a load leaves its mark before it reads
    token: bool = True  # what was read is put only while that mark stands
    run_id: bool = True  # loaded means: by this life of Redis
    barrier: bool = True
    life: bool = True  # the history mark, and the barrier, are one life's of Redis
    commit_first: bool = True  # the dirty mark goes after the commit, not before
    merge_back: bool = True  # Redis is told what the database has
    check_score: bool = True  # the dirty mark stays if the cart was edited meanwhile


@dataclass(frozen=True, slots=True)
class Cart:
    """One configuration of the model: its bounds, its mode, its rules."""

    edits: int = 2
    faults: int = 0
    kinds: frozenset[str] = NO_SECOND_DISK
    ack: str = "redis"
    tabs: int = 1
    batch: int = 2
    orders: bool = True
    removals: bool = False
    in_order: bool = False  # the queue keeps its order; a read that misses an acknowledged edit is wrong then
    rules: Rules = field(default_factory=Rules)

    @property
    def start(self) -> State:
        """Nothing in the cart, all machines up."""
        idle = (IDLE_WEB,) * self.tabs
        nothing = (0, 0)
        return State(
            Redis(), Redis(), EMPTY, (), idle, EMPTY, IDLE_WORK, IDLE_WORK, Order(), nothing, nothing, 0,
            self.faults, stale=False,
        )  # fmt: skip

    # What the machines do of themselves.

    def steps(self, s: State) -> Iterator[Step]:
        """Return every next step of web, publisher, worker, sweeper and outbox."""
        for place, web in enumerate(s.webs):
            if web.phase:
                yield from self._web(s, place, web)
        if s.leaving != EMPTY:
            yield "publisher publishes", self._send(s._replace(leaving=EMPTY), s.leaving)
        yield from self._worker(s)
        yield from self._sweeper(s)
        if s.order.phase == "paid":
            order = Order("cleared", s.order.stamp)
            yield "outbox clears", s._replace(redis=self._cleared(s.redis, s.order.stamp), order=order)

    def _web(self, s: State, place: int, web: Web) -> Iterator[Step]:
        """Load the cart, then try again."""
        if web.phase == "begun":
            yield "web selects", self._at(s, place, web._replace(phase="selected", snap=s.database))
        elif web.phase == "selected":
            yield "web puts", self._put(s, place, web)
        elif web.phase == "ready" or (web.phase == "waiting" and s.redis.history):
            yield "web tries", self._try(s, place, web.wants)
        elif web.phase in {"flushing", "waiting"}:
            yield from self._barrier(s, place, web)
        else:
            yield from self._confirmed(s, place, web)

    def _barrier(self, s: State, place: int, web: Web) -> Iterator[Step]:
        """Send the barrier behind all that was published, and wait for as long as it is on its way."""
        if web.phase == "flushing":
            if s.leaving == EMPTY:
                yield "web raises barrier", self._send(self._at(s, place, Web("waiting", web.wants)), BARRIER)
        elif BARRIER not in s.queue and BARRIER not in s.worker.messages:
            patient = s._replace(redis=s.redis._replace(history=True))
            yield "web waits no longer", self._at(patient, place, Web("ready", web.wants))

    def _confirmed(self, s: State, place: int, web: Web) -> Iterator[Step]:
        """CART_ACK=confirm: let the broker have the edit, or else the database, before the answer."""
        if web.phase == "edited":
            yield "web publishes", self._acknowledged(self._send(s, web.snap), place, web)
        elif web.phase == "direct":
            database, snap = self._commit(s.database, web.snap)
            merging = self._at(s, place, Web("merging", web.wants, snap=snap))
            yield "web commits", merging._replace(database=database)
        else:
            merged_back = s._replace(redis=self._merged_back(s.redis, web.snap))
            yield "web merges back", self._acknowledged(merged_back, place, web)

    def _worker(self, s: State) -> Iterator[Step]:
        work = s.worker
        if not work.phase:
            for messages, rest in self._batches(s.queue):
                snap = self._coalesced(messages)
                phase = "held" if snap else "merged"
                taken = Work(phase, messages, snap or EMPTY)
                yield f"worker takes {len(messages)}", s._replace(queue=rest, worker=taken)
        elif work.phase == "merged":
            if BARRIERS & set(work.messages):
                history = s.redis.history or BARRIER in work.messages
                passed = s._replace(redis=s.redis._replace(history=history))
                yield "worker passes barrier", passed._replace(worker=work._replace(phase="passed"))
            else:
                yield "worker acknowledges", s._replace(worker=IDLE_WORK)
        elif work.phase == "passed":
            yield "worker acknowledges", s._replace(worker=IDLE_WORK)
        else:
            label, state, after = self._persist(s, work, "merged")
            yield f"worker {label}", state._replace(worker=after)

    def _sweeper(self, s: State) -> Iterator[Step]:
        work = s.sweeper
        if not work.phase:
            if s.redis.dirty and self.rules.sweeper:
                yield "sweeper takes", s._replace(sweeper=Work("held", (), s.redis.cart))
        else:
            label, state, after = self._persist(s, work, "")
            yield f"sweeper {label}", state._replace(sweeper=after if after.phase else IDLE_WORK)

    def _persist(self, s: State, work: Work, done: str) -> tuple[str, State, Work]:
        """Take one of the two steps of persisting, in the order the rules say."""
        commits = (work.phase == "held") == self.rules.commit_first
        phase = "committed" if work.phase == "held" else done
        if commits:
            database, snap = self._commit(s.database, work.snap)
            return "commits", s._replace(database=database), work._replace(phase=phase, snap=snap)
        redis = self._merged_back(s.redis, work.snap)
        return "merges back", s._replace(redis=redis), work._replace(phase=phase)

    # What people do, and what goes wrong.

    def chances(self, s: State) -> Iterator[Step]:
        """Return what the shopper may do next, and every fault that may strike."""
        idle = next((place for place, web in enumerate(s.webs) if not web.phase), None)
        if idle is not None:
            yield from self._shopper(s, idle)
        if s.order.phase == "ordered":
            paid = s._replace(order=Order("paid", s.order.stamp))
            yield "pay", paid._replace(database=self._paid(s.database, s.order.stamp))
        if s.faults:
            for label, after in self._faults(s):
                if label in self.kinds:
                    yield label, after._replace(faults=s.faults - 1)
            if "roll back redis" in self.kinds and s.backup != s.redis and s.backup == Redis():
                yield "back up redis", s._replace(backup=s.redis)

    def _shopper(self, s: State, place: int) -> Iterator[Step]:
        wanted = s.edits + sum(web.phase in NOT_DONE and web.wants != "order" for web in s.webs)
        if wanted < self.edits:
            yield "set 0", self._try(s, place, "set 0")
            if s.edits:  # the two products are alike: let the first edit be of the first
                yield "set 1", self._try(s, place, "set 1")
            if self.removals:
                for product in (0, 1):
                    if s.redis.cart.lines[product] % UNIT:
                        yield f"remove {product}", self._try(s, place, f"remove {product}")
        ordering = s.order.phase or any(web.wants == "order" for web in s.webs)
        if self.orders and not ordering and any(line % UNIT for line in s.acked):
            yield "order", self._try(s, place, "order")

    def _faults(self, s: State) -> Iterator[Step]:
        down = (IDLE_WEB,) * self.tabs
        if s.webs != down or s.leaving != EMPTY:
            yield "kill web", s._replace(webs=down, leaving=EMPTY)
        if s.worker.phase or s.sweeper.phase:
            queue = self._queued(s.worker.messages, s.queue)
            yield "kill worker", s._replace(queue=queue, worker=IDLE_WORK, sweeper=IDLE_WORK)
        yield from self._faults_of_redis(s)
        yield from self._faults_of_the_broker(s)
        for place, web in enumerate(s.webs):
            yield from self._faults_of_a_request(s, place, web)

    def _faults_of_redis(self, s: State) -> Iterator[Step]:
        restarted = self._in_a_new_life(_without_tokens(s))
        yield "kill redis", restarted._replace(redis=self._restarted(s.redis))
        yield "wipe redis", restarted._replace(redis=Redis(history=not self.rules.barrier))
        yield "roll back redis", restarted._replace(redis=self._restarted(s.backup))
        if s.worker.phase == "committed":
            yield "lose merge", s._replace(worker=s.worker._replace(phase="merged"))
        if s.sweeper.phase == "committed":
            yield "lose merge", s._replace(sweeper=IDLE_WORK)

    def _faults_of_the_broker(self, s: State) -> Iterator[Step]:
        if s.leaving != EMPTY:
            yield "lose publish", s._replace(leaving=EMPTY)
        if not self.in_order:
            for message in set(s.queue):
                yield "duplicate", s._replace(queue=self._queued((message,), s.queue))
        if s.queue:
            yield "lose broker", s._replace(queue=())

    def _faults_of_a_request(self, s: State, place: int, web: Web) -> Iterator[Step]:
        if web.phase == "edited":
            direct = self._at(s, place, web._replace(phase="direct"))
            yield "lose publish", direct
            yield "lose publish", self._send(direct, web.snap)
        if web.phase == "ready" and s.redis.loaded and s.redis.history and web.wants != "order":
            yield "lose reply", self._at(self._edited(s, web.wants), place, IDLE_WEB)
        if web.phase == "merging":
            yield "lose merge", self._acknowledged(s, place, web)

    # What must never be.

    def wrong(self, s: State) -> str:
        """Say so when a shopper was shown a cart without an edit that had been acknowledged."""
        return "stale read" if s.stale else ""

    def wrong_at_rest(self, s: State) -> str:
        """Compare what is kept with what the shopper was told."""
        paid = s.order.stamp if s.order.phase in {"paid", "cleared"} else 0
        for line, acked, tried in zip(s.database.lines, s.acked, s.tried, strict=True):
            due = acked if acked // UNIT > paid else 0
            if _seen(line) != _seen(due) and not (tried and line // UNIT > acked // UNIT):
                return "lost" if line // UNIT < due // UNIT or not _seen(line) else "resurrected"
        hot = s.redis.cart if s.redis.loaded else self._joined(s.redis.cart, s.database)
        if any(_seen(a) != _seen(b) for a, b in zip(hot.lines, s.database.lines, strict=True)):
            return "hot cart differs"
        if s.redis.dirty:
            return "dirty mark left"
        return "queue not empty" if s.queue else ""

    # The scripts, the transactions and the queue.

    def _try(self, s: State, place: int, wants: str) -> State:
        """Run the edit script; begin what must come first if the cart is not ready."""
        if not s.redis.history:
            return self._at(s, place, Web("flushing", wants))
        if not s.redis.loaded:
            marked = s.redis._replace(mark=True, there=True) if self.rules.placeholder else s.redis
            return self._at(s, place, Web("begun", wants, token=True))._replace(redis=marked)
        if wants == "order":
            order = Order("ordered", s.redis.cart.last)
            return self._at(s, place, IDLE_WEB)._replace(order=order, stale=self._is_stale(s))
        edited = self._edited(s, wants)
        web = Web("edited", wants, snap=edited.redis.cart)
        if edited.edits == s.edits:  # nothing was there to be removed
            return self._at(edited, place, IDLE_WEB)
        if self.ack == "confirm":
            return self._at(edited, place, web)
        return self._acknowledged(edited, place, web)._replace(leaving=self._left(s.leaving, web.snap))

    def _left(self, leaving: Snap, snap: Snap) -> Snap:
        """Leave a snapshot to be published, with what has not been published yet."""
        return snap if leaving == EMPTY else self._coalesced((leaving, snap)) or EMPTY

    def _edited(self, s: State, wants: str) -> State:
        word, product = wants[:-2], int(wants[-1])
        cart, number = s.redis.cart, s.edits + 1
        if word == "remove" and not cart.lines[product] % UNIT:
            return s
        stamp = max(number if self.rules.clock else 0, cart.last + 1, cart.cleared + 1)
        line = stamp * UNIT + (number if word == "set" else 0)
        after = Snap(stamp, cart.cleared, _with(cart.lines, product, line))
        return s._replace(
            redis=s.redis._replace(cart=after, dirty=stamp),
            tried=_with(s.tried, product, line),
            edits=number,
            stale=self._is_stale(s),
        )

    def _is_stale(self, s: State) -> bool:
        """Whether Redis would answer without an edit that was acknowledged and not paid for."""
        paid = s.order.stamp if s.order.phase in {"paid", "cleared"} else 0
        return self.in_order and any(
            acked // UNIT > paid and line // UNIT < acked // UNIT
            for line, acked in zip(s.redis.cart.lines, s.acked, strict=True)
        )

    def _acknowledged(self, s: State, place: int, web: Web) -> State:
        """Tell the shopper: from now on this edit must not be lost."""
        product = int(web.wants[-1])
        line = web.snap.lines[product]
        tried = _with(s.tried, product, 0) if s.tried[product] == line else s.tried
        known = self.rules.clock and s.acked[product] > line
        acked = s.acked if known else _with(s.acked, product, line)
        return self._at(s, place, IDLE_WEB)._replace(acked=acked, tried=tried)

    def _put(self, s: State, place: int, web: Web) -> State:
        ready = Web("ready", web.wants)
        if self.rules.token and self.rules.placeholder and not web.token:
            return self._at(s, place, ready)
        cart = _raised(self._joined(s.redis.cart, web.snap))
        redis = Redis(cart, s.redis.dirty, there=True, loaded=True, mark=False, history=s.redis.history)
        return _without_tokens(self._at(s, place, ready))._replace(redis=redis)

    def _restarted(self, redis: Redis) -> Redis:
        loaded = redis.loaded and not self.rules.run_id
        history = redis.history and not (self.rules.life and self.rules.barrier)
        return redis._replace(loaded=loaded, mark=False, history=history)

    def _in_a_new_life(self, s: State) -> State:
        """Redis was restarted: earlier barriers mean nothing to it, and who waits for one finds that out."""
        if not self.rules.life:
            return s
        webs = (web._replace(phase="ready") if web.phase == "waiting" else web for web in s.webs)
        worker = s.worker._replace(messages=self._aged(s.worker.messages))
        return s._replace(webs=tuple(sorted(webs)), queue=self._aged(s.queue), worker=worker)

    def _aged(self, messages: tuple[Snap, ...]) -> tuple[Snap, ...]:
        aged = (OLD_BARRIER if message == BARRIER else message for message in messages)
        return tuple(aged) if self.in_order else tuple(sorted(aged))

    def _merged_back(self, redis: Redis, snap: Snap) -> Redis:
        if not redis.there:
            return redis._replace(dirty=0)
        clean = redis.dirty <= snap.last or not self.rules.check_score
        cart = _raised(join(redis.cart, snap)) if self.rules.merge_back else redis.cart
        return redis._replace(cart=cart, dirty=0 if clean else redis.dirty)

    def _cleared(self, redis: Redis, stamp: int) -> Redis:
        return redis._replace(cart=self._paid(redis.cart, stamp)) if redis.there else redis

    def _paid(self, cart: Snap, stamp: int) -> Snap:
        paid = join(cart, Snap(stamp, stamp))
        return paid if self.rules.watermark else paid._replace(cleared=cart.cleared)

    def _commit(self, database: Snap, snap: Snap) -> tuple[Snap, Snap]:
        """Write a snapshot to the database; return what that holds then, and what Redis is told."""
        joined = self._joined(database, snap)
        if not self.rules.tombstones:
            one, two = joined.lines
            joined = joined._replace(lines=(_seen(one), _seen(two)))
        return joined, snap._replace(cleared=max(snap.cleared, joined.cleared))

    def _joined(self, known: Snap, snap: Snap) -> Snap:
        return join(known, snap) if self.rules.join else join(Snap(known.last, known.cleared), snap)

    def _coalesced(self, messages: tuple[Snap, ...]) -> Snap | None:
        snaps = [message for message in messages if message not in BARRIERS]
        if not snaps:
            return None
        if not self.rules.join_batches:
            return max(snaps)
        whole = snaps[0]
        for snap in snaps[1:]:
            whole = join(whole, snap)
        return whole

    def _batches(self, queue: tuple[Snap, ...]) -> Iterator[tuple[tuple[Snap, ...], tuple[Snap, ...]]]:
        """Return what the consumer may take: from the front, or any if the queue may be out of order."""
        if self.in_order:
            for size in range(1, min(self.batch, len(queue)) + 1):
                yield queue[:size], queue[size:]
            return
        for place, message in enumerate(queue):
            rest = queue[:place] + queue[place + 1 :]
            yield (message,), rest
            if self.batch > 1:
                for other in range(place, len(rest)):
                    yield (message, rest[other]), rest[:other] + rest[other + 1 :]

    def _queued(self, messages: tuple[Snap, ...], queue: tuple[Snap, ...]) -> tuple[Snap, ...]:
        """Put messages back at the front; where order does not count they are kept sorted."""
        return messages + queue if self.in_order else tuple(sorted(messages + queue))

    def _send(self, s: State, message: Snap) -> State:
        queue = (*s.queue, message)
        return s._replace(queue=queue if self.in_order else tuple(sorted(queue)))

    def _at(self, s: State, place: int, web: Web) -> State:
        """Return the state with that request in place; requests are alike, so their order is one."""
        if self.tabs == 1:
            return s._replace(webs=(web,))
        return s._replace(webs=tuple(sorted((*s.webs[:place], web, *s.webs[place + 1 :]))))


@cache
def join(one: Snap, other: Snap) -> Snap:
    """Join two snapshots: of each register the newest, without what is up to the watermark."""
    cleared = max(one.cleared, other.cleared)
    a, b = (
        0 if newest // UNIT <= cleared else newest
        for newest in (
            theirs if theirs // UNIT > mine // UNIT else mine
            for mine, theirs in zip(one.lines, other.lines, strict=True)
        )
    )
    return Snap(max(one.last, other.last), cleared, (a, b))


def _raised(cart: Snap) -> Snap:
    """Redis keeps a cart's stamp at its watermark at least."""
    return cart if cart.last >= cart.cleared else cart._replace(last=cart.cleared)


def _without_tokens(s: State) -> State:
    """No load that has begun may put any more."""
    if not any(web.token for web in s.webs):
        return s
    return s._replace(webs=tuple(sorted(web._replace(token=False) for web in s.webs)))


def _seen(line: int) -> int:
    """Return the register if the shopper sees a line, else 0."""
    return line if line % UNIT else 0


def _with(lines: tuple[int, int], product: int, line: int) -> tuple[int, int]:
    return (lines[0], line) if product else (line, lines[1])
