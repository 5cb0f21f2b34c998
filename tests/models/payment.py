"""Models of a payment: orders that compete for stock, `Selling`, and giving money back, `Refunding`.

Selling, one atomic step for each transaction and each call to Toss: the claim (PENDING to CONFIRMING and
the goods held, TX1), the confirmation, the look-up after a refusal or after no answer, the settling
(TX2), the reconciliation, webhooks, virtual accounts with deposit, deposit after the due time and
reversal (DONE back to WAITING), money for an attempt that was given up. Every caller may die between any
two steps, may tire of waiting, and its request may arrive long afterwards. Toss declines, refuses without
ending the payment, answers errors that it repeats for as long as the key is the same, or lets it expire.

Toss is worse here than in life: only an idempotency key keeps it from charging or returning twice, and
it never counts what it gave back. Each rule of ours can be taken away, to see that the model misses it.

Left out: amounts and foreign orders in answers (judging is a pure function), a second attempt of the same
order, the half hour after which a person is called, commits without an answer (a death before the next
step shows the same), the cart.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Step = tuple[str, "Books"]
Move = tuple[str, int, "Attempt"]  # label, what is on the shelf then, the attempt then

LATE = 2  # requests of one attempt that may be under way at once
MANY = -1
KEYS = 2  # idempotency keys an attempt may use up


class Caller(NamedTuple):
    """Somebody at work on an attempt: how far, what Toss said, and which state of ours was read."""

    phase: str = ""
    view: str = ""
    status: str = ""


class Attempt(NamedTuple):
    """An attempt to pay for one piece: our row, Toss's side, what is under way, who is at work on it."""

    status: str = "PENDING"
    held: int = 0
    toss: str = "OPEN"
    kept: int = 0  # how often the buyer's money is with us
    key: int = 0
    asked: bool = False  # a reconciliation has taken it up
    replies: tuple[str, ...] = ("",) * KEYS  # what Toss remembers under each key
    flying: tuple[tuple[str, int], ...] = ()  # confirmations under way: who waits for the answer, key
    overdue: bool = False
    reversed: bool = False
    refund: str = ""  # of late money
    news: bool = False  # a webhook that we have stored
    web: Caller = Caller()
    task: Caller = Caller()
    hook: Caller = Caller()


class Books(NamedTuple):
    """What is on the shelf, and every attempt; attempts are alike, so they are kept sorted."""

    stock: int
    attempts: tuple[Attempt, ...]
    faults: int


NOBODY = Caller()
GIVEN_UP = frozenset({"FAILED", "EXPIRED", "CANCELED"})
STEPS = {  # what a state becomes by what Toss says; a virtual account also ends when its time is over
    ("CONFIRMING", "DONE"): "PAID",
    ("CONFIRMING", "WAITING"): "WAITING",
    ("CONFIRMING", "DEAD"): "FAILED",
    ("WAITING", "DONE"): "PAID",
    ("WAITING", "DEAD"): "CANCELED",
    ("PAID", "WAITING"): "REVIEW",
    ("PAID", "DEAD"): "REVIEW",
    ("REVIEW", "DONE"): "PAID",
}


@dataclass(frozen=True, slots=True)
class SellingRules:
    """The rules of the flow; each can be taken away."""

    reserve_first: bool = True  # goods are held before Toss is asked to charge
    patience: bool = True  # no answer is no failure
    keys: bool = True  # one idempotency key for every repetition
    guard: bool = True  # a state is left only from the state that was read
    ask: bool = True  # a webhook is not believed: Toss is asked
    ask_again: bool = True  # a webhook that lost the race for a state is looked into once more
    late_money: bool = True  # money for an attempt that was given up is kept or returned
    comparison: bool = True  # every night Toss's books are compared with ours; a difference is a person's


@dataclass(frozen=True, slots=True)
class Selling:
    """Some buyers, each wants one piece; fewer pieces than buyers make it interesting."""

    orders: int = 2
    units: int = 1
    accounts: bool = False  # virtual accounts instead of cards
    webhooks: bool = True
    errors: bool = True  # Toss may refuse without ending the payment, and answer errors
    faults: int = MANY  # how often a caller may die or tire
    rules: SellingRules = field(default_factory=SellingRules)
    _known: dict[tuple[str, int, Attempt], list[Move]] = field(
        default_factory=dict, init=False, compare=False
    )

    @property
    def start(self) -> Books:
        """Every buyer has been to Toss's window and is on the way back."""
        return Books(self.units, (Attempt(),) * self.orders, self.faults)

    def steps(self, s: Books) -> Iterator[Step]:
        """Return what web, reconciliation, webhooks and Toss do of themselves, and what is under way."""
        return self._moves(s, s.faults, self._machines)

    def chances(self, s: Books) -> Iterator[Step]:
        """Return what buyers and banks may do, and which caller may die or tire."""
        yield from self._moves(s, s.faults, self._people)
        if s.faults:
            yield from self._moves(s, s.faults - (s.faults != MANY), self._misfortune)

    def _moves(
        self, s: Books, faults: int, moves: Callable[[int, Attempt], Iterable[Move]]
    ) -> Iterator[Step]:
        """Move one attempt; the others only see the stock, so what it may do is worked out once."""
        for place, attempt in _different(s.attempts):
            about = (moves.__name__, s.stock, attempt)
            known = self._known.get(about)
            if known is None:
                known = self._known[about] = list(moves(s.stock, attempt))
            rest = s.attempts[:place] + s.attempts[place + 1 :]
            for label, stock, after in known:
                yield label, Books(stock, tuple(sorted((*rest, after))), faults)

    def wrong(self, s: Books) -> str:
        """Goods and money that are wrong whatever happens next."""
        if s.stock < 0:
            return "sold more than there was"
        if s.stock + sum(a.held for a in s.attempts) != self.units:
            return "goods lost or invented"
        if any(a.kept > 1 for a in s.attempts):
            return "charged twice"
        if any(a.status == "PAID" and not a.held for a in s.attempts):
            return "paid without goods"
        return ""

    def wrong_at_rest(self, s: Books) -> str:
        """Once everything is decided: charged if, and only if, paid or in a person's hands."""
        for a in s.attempts:
            if a.status == "CONFIRMING":
                return "never decided"
            if a.kept and a.status not in {"PAID", "REVIEW"}:
                return "charged without an order"
            if not a.kept and a.status == "PAID":
                return "paid without money"
            if bool(a.held) != (a.status in {"WAITING", "PAID", "REVIEW"}):
                return "goods held for nobody"
        return ""

    # The machines.

    def _machines(self, stock: int, a: Attempt) -> Iterator[Move]:
        yield from self._calls(stock, a, "web", a.web)
        yield from self._calls(stock, a, "task", a.task)
        yield from self._calls(stock, a, "hook", a.hook)
        for request in dict.fromkeys(a.flying):
            yield from ((label, stock, after) for label, after in self._arrives(a, request))
        if not a.task.phase and self._is_due(a):
            asked = a._replace(asked=True, task=Caller("knows", a.toss, a.status))
            yield "task asks", stock, asked
        if a.news and not a.hook.phase and a.status != "PENDING":
            yield "hook asks", stock, a._replace(news=False, hook=Caller("knows", a.toss, a.status))
        if self.rules.comparison and a.status == "PAID" and a.toss != "DONE":
            yield "night compares", stock, a._replace(status="REVIEW")

    def _is_due(self, a: Attempt) -> bool:
        """Whether the reconciliation has a reason to ask; asking for what is known changes nothing."""
        if a.status == "WAITING":
            return a.toss != "WAITING" or a.overdue
        return a.status == "CONFIRMING" or a.refund == "REQUESTED"

    def _calls(self, stock: int, a: Attempt, who: str, caller: Caller) -> Iterator[Move]:
        """Take the next step of one caller."""
        phase = caller.phase
        if phase == "sending" and len(a.flying) < LATE:
            flying = tuple(sorted((*a.flying, (who, a.key))))
            yield f"{who} sends", stock, _put(a._replace(flying=flying), who, caller._replace(phase="waits"))
        elif phase in {"refused", "unknown", "erred"}:
            knows = caller._replace(phase=f"{phase}, knows", view=a.toss)
            yield f"{who} looks up", stock, _put(a, who, knows)
        elif phase.endswith("knows"):
            yield f"{who} settles", *self._settled(stock, a, who, caller)
        elif phase == "returning":  # the money goes back; Toss remembers the key of this refund
            returned = a._replace(toss="DEAD", kept=0, news=self.webhooks)
            yield f"{who} returns money", stock, _put(returned, who, caller._replace(phase="returned"))
        elif phase == "returned":
            closed = a._replace(status="CANCELED" if a.status in GIVEN_UP else a.status, refund="DONE")
            yield f"{who} closes refund", stock, _put(closed, who, NOBODY)

    def _arrives(self, a: Attempt, request: tuple[str, int]) -> Iterator[tuple[str, Attempt]]:
        """Let a confirmation reach Toss; its answer goes to whoever still waits for it."""
        who, key = request
        flying = list(a.flying)
        flying.remove(request)
        a = a._replace(flying=tuple(flying))
        remembered = a.replies[key] if self.rules.keys else ""
        if remembered:
            yield "Toss repeats", _told(a, who, remembered)
        elif a.toss == "DEAD":
            yield "Toss refuses", _told(_reply(a, key, "refused"), who, "refused")
        elif a.toss != "OPEN":
            again = a._replace(kept=a.kept + 1) if a.toss == "DONE" else a
            yield "Toss charges again", _told(_reply(again, key, a.toss), who, a.toss)
        else:
            done = a._replace(toss="WAITING") if self.accounts else a._replace(toss="DONE", kept=a.kept + 1)
            yield "Toss confirms", _told(_reply(self._told_us(done), key, done.toss), who, done.toss)
            dead = self._told_us(a._replace(toss="DEAD"))
            yield "Toss declines", _told(_reply(dead, key, "refused"), who, "refused")
            if self.errors and key + 1 < KEYS:
                yield "Toss refuses for now", _told(_reply(a, key, "refused"), who, "refused")
                yield "Toss errs", _told(_reply(a, key, "erred"), who, "erred")

    def _told_us(self, a: Attempt) -> Attempt:
        """Toss sends a webhook; it does so until we have stored it."""
        return a._replace(news=self.webhooks)

    def _settled(self, stock: int, a: Attempt, who: str, caller: Caller) -> tuple[int, Attempt]:
        """Act on what Toss said, in one transaction, if the attempt is still where it was read."""
        view, read = caller.view, caller.status
        done = _put(a, who, NOBODY)
        if self.rules.guard and a.status != read:
            return stock, done._replace(news=a.news or (who == "hook" and self.rules.ask_again))
        if read in GIVEN_UP:
            return self._received_late(stock, a, who, caller) if self.rules.late_money else (stock, done)
        if (read, view) == ("CONFIRMING", "OPEN"):
            return self._pressed(stock, a, who, caller)
        too_late = (read, view) == ("WAITING", "WAITING") and a.overdue
        new = "EXPIRED" if too_late else STEPS.get((read, view), read)
        if new in GIVEN_UP:
            return self._given_back(stock, done, new)
        if new == "PAID" and not self.rules.reserve_first and not a.held:
            return stock - 1, done._replace(status="PAID", held=1)
        return stock, done._replace(status=new)

    def _pressed(self, stock: int, a: Attempt, who: str, caller: Caller) -> tuple[int, Attempt]:
        """Toss has not decided: press on, take a new key after an error, or end what was refused."""
        done = _put(a, who, NOBODY)
        if caller.phase == "refused, knows":
            certain = who == "web" and not a.asked
            return self._given_back(stock, done, "FAILED") if certain else (stock, done)
        if caller.phase == "erred, knows" and who == "task" and a.replies[a.key] and a.key + 1 < KEYS:
            return stock, done._replace(key=a.key + 1)  # Toss would repeat itself for ever under the old one
        if caller.phase == "knows" and who == "task":
            return stock, _put(a, who, Caller("sending", status=a.status))
        return stock, done

    def _given_back(self, stock: int, a: Attempt, status: str) -> tuple[int, Attempt]:
        return stock + a.held, a._replace(status=status, held=0)

    def _received_late(self, stock: int, a: Attempt, who: str, caller: Caller) -> tuple[int, Attempt]:
        """Money for an attempt that was given up: hold the goods once more, or give it back."""
        done = _put(a, who, NOBODY)
        if caller.view == "DEAD":
            closed = a.refund == "REQUESTED"
            return stock, done._replace(status="CANCELED", refund="DONE") if closed else done
        if caller.view == "DONE" and stock and not a.refund:
            return stock - 1, done._replace(status="PAID", held=1)
        if caller.view in {"DONE", "WAITING"}:
            resolved = a._replace(refund=a.refund or "REQUESTED")
            return stock, _put(resolved, who, caller._replace(phase="returning"))
        return stock, done

    # People and misfortune.

    def _people(self, stock: int, a: Attempt) -> Iterator[Move]:
        if a.status == "PENDING":
            yield "come back", *self._claimed(stock, a)
            yield "expire", stock, a._replace(status="EXPIRED")
        if a.toss == "OPEN" and a.status != "PENDING":
            yield "Toss lets it expire", stock, self._told_us(a._replace(toss="DEAD"))
        if self.accounts:
            yield from ((label, stock, after) for label, after in self._bank(a))
        if not self.rules.ask and a.status != "PENDING" and not a.hook.phase:
            yield "forged webhook", stock, a._replace(hook=Caller("knows", "DONE", a.status))

    def _misfortune(self, stock: int, a: Attempt) -> Iterator[Move]:
        for who, caller in (("web", a.web), ("task", a.task), ("hook", a.hook)):
            if caller.phase:
                dead = _put(_unheard(a, who), who, NOBODY)
                yield f"{who} dies", stock, dead._replace(news=a.news or who == "hook")
            if caller.phase == "waits":
                yield f"{who} tires", *self._tired(stock, a, who, caller)

    def _claimed(self, stock: int, a: Attempt) -> tuple[int, Attempt]:
        """TX1: make the attempt ours, and hold the goods."""
        claimed = a._replace(status="CONFIRMING", web=Caller("sending", status="CONFIRMING"))
        if not self.rules.reserve_first:
            return stock, claimed
        if not stock:
            return stock, a._replace(status="FAILED")
        return stock - 1, claimed._replace(held=1)

    def _tired(self, stock: int, a: Attempt, who: str, caller: Caller) -> tuple[int, Attempt]:
        """Stop waiting; the request may still arrive, or has arrived and the answer was lost."""
        a = _unheard(a, who)
        if self.rules.patience:
            return stock, _put(a, who, caller._replace(phase="unknown"))
        return self._given_back(stock, _put(a, who, NOBODY), "FAILED")

    def _bank(self, a: Attempt) -> Iterator[tuple[str, Attempt]]:
        if a.toss == "WAITING":
            yield "deposit", self._told_us(a._replace(toss="DONE", kept=a.kept + 1))
            if not a.overdue:
                yield "due time passes", a._replace(overdue=True)
        if a.toss == "DONE" and not a.reversed:
            taken_back = a._replace(toss="WAITING", kept=a.kept - 1, reversed=True)
            yield "bank reverses", self._told_us(taken_back)


def _different(attempts: tuple[Attempt, ...]) -> Iterator[tuple[int, Attempt]]:
    """Return each attempt with its place, but of equal ones the first."""
    for place, attempt in enumerate(attempts):
        if not place or attempts[place - 1] != attempt:
            yield place, attempt


def _put(a: Attempt, who: str, caller: Caller) -> Attempt:
    changed: dict[str, Any] = {who: caller}
    return a._replace(**changed)


def _unheard(a: Attempt, who: str) -> Attempt:
    """Nobody waits any more for what this caller sent."""
    return a._replace(flying=tuple(sorted(("" if w == who else w, key) for w, key in a.flying)))


def _told(a: Attempt, who: str, reply: str) -> Attempt:
    if not who:
        return a
    caller: Caller = getattr(a, who)
    phase = reply if reply in {"refused", "erred"} else "knows"
    return _put(a, who, caller._replace(phase=phase, view="" if phase == reply else reply))


def _reply(a: Attempt, key: int, reply: str) -> Attempt:
    return a._replace(replies=(*a.replies[:key], reply, *a.replies[key + 1 :]))


# Giving money back.


class Refund(NamedTuple):
    """An operator's wish: how much, how far it is, and whether Toss has seen its key."""

    phase: str = ""  # '' not asked, requested, sent, DONE, REFUSED
    amount: int = 0
    seen: bool = False
    tries: int = 0


class Account(NamedTuple):
    """A paid order: what we promised to give back, what Toss did give back, and each operator's refund."""

    promised: int
    returned: int
    refunds: tuple[Refund, ...]


@dataclass(frozen=True, slots=True)
class Refunding:
    """Operators who press the button at the same time; answers get lost, and the process dies."""

    amount: int = 3
    operators: int = 2
    tries: int = 3
    guard: bool = True  # refunded + a <= amount, in the transaction that inserts the refund
    keys: bool = True  # every try of a refund is sent under the refund's own key

    @property
    def start(self) -> Account:
        """Paid, nothing given back."""
        return Account(0, 0, (Refund(),) * self.operators)

    def steps(self, s: Account) -> Iterator[tuple[str, Account]]:
        """Send what was promised until Toss has answered, then note it."""
        for place, refund in enumerate(s.refunds):
            if refund.phase == "requested":
                yield "send", self._sent(s, place, refund, "sent")
            elif refund.phase == "sent":
                yield "note", _noted(s, place, refund._replace(phase="DONE"))

    def chances(self, s: Account) -> Iterator[tuple[str, Account]]:
        """Press the button; lose an answer, or the process that waits for it."""
        for place, refund in enumerate(s.refunds):
            if not refund.phase:
                for amount in range(1, self.amount + 1):
                    fits = s.promised + amount <= self.amount or not self.guard
                    wish = Refund("requested" if fits else "REFUSED", amount)
                    promised = s.promised + (amount if fits else 0)
                    yield f"refund {amount}", _noted(s, place, wish)._replace(promised=promised)
            elif refund.phase == "requested" and refund.tries + 1 < self.tries:
                lost = refund._replace(tries=refund.tries + 1)
                yield "lose request", _noted(s, place, lost)
                yield "lose answer", self._sent(s, place, lost, "requested")
            elif refund.phase == "sent":
                yield "die", _noted(s, place, refund._replace(phase="requested"))

    def wrong(self, s: Account) -> str:
        """More given back than was paid."""
        return "returned more than was paid" if s.returned > self.amount else ""

    def wrong_at_rest(self, s: Account) -> str:
        """What was given back is what was promised, and what the finished refunds say."""
        done = sum(refund.amount for refund in s.refunds if refund.phase == "DONE")
        return "" if s.returned == done == s.promised else "books differ"

    def _sent(self, s: Account, place: int, refund: Refund, phase: str) -> Account:
        again = refund.seen and self.keys
        after = _noted(s, place, refund._replace(phase=phase, seen=True))
        return after if again else after._replace(returned=s.returned + refund.amount)


def _noted(s: Account, place: int, refund: Refund) -> Account:
    return s._replace(refunds=(*s.refunds[:place], refund, *s.refunds[place + 1 :]))
