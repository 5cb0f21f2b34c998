"""Claims goods for attempts to pay, for one or for many at once: held, and ours to confirm, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from app.core import ids
from app.core.errors import CommitUnknownError, DatabaseUnavailableError
from app.infra.db import DeadlockError, Tx
from app.machines import Machines
from app.orders.order import Order
from app.payments import settle, states
from app.payments.attempt import OUT_OF_STOCK, Attempt
from app.payments.store import select_attempt
from app.payments.turns import store
from app.stock import service as stock

FIRST_CHECK = timedelta(seconds=10)

# The attempt if it is ours to confirm; None if it is another's or there is too little; or why nobody knows.
Outcome = Attempt | None | store.KeyTakenError | DatabaseUnavailableError


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that was PENDING when it was read, what it buys, and the payment to confirm it with.

    ``key`` will be on the attempt if, and only if, it was this claim that was granted.
    """

    attempt: Attempt
    order: Order
    payment_key: str
    key: str = field(default_factory=ids.idempotency_key)

    @property
    def goods(self) -> tuple[int, ...]:
        """What it is for: those who want the same stand in one line."""
        return tuple(sorted(product_id for product_id, _ in self.order.wanted))


class _OutOfStockError(Exception):
    """Too little of something. Rolls the transaction back."""


class _ApartError(Exception):
    """It cannot be for all of them together. Rolls the transaction back."""


async def claim(m: Machines, claims: Sequence[Claim]) -> Sequence[Outcome]:
    """Hold the goods and make the attempts ours to confirm; each has its own outcome, in the same order.

    Many are claimed in one transaction, so that the row of a product that everybody wants is written, and
    waited for, once. Whatever is in the way of that, those who want the same goods are claimed together, and
    at last each by itself.
    """
    gone = await _find_gone(m, claims) if len(_by_goods(claims)) < len(claims) else set()
    if isinstance(gone, DatabaseUnavailableError):
        return [gone] * len(claims)
    late = [one for one in claims if one.key in gone]
    rest = [one for one in claims if one.key not in gone]
    found = await _claim_rest(m, rest)
    found |= dict(zip((one.key for one in late), await _refuse(m, late), strict=True))
    return [found[one.key] for one in claims]


async def claim_one(m: Machines, one: Claim) -> Attempt | None:
    """Claim for one alone; None if it is another's to confirm, or too little is left: then it is FAILED.

    Raises KeyTakenError, DatabaseUnavailableError.
    """

    async def hold(tx: Tx) -> bool:
        if not await store.update_to_confirming(tx, [_row(one)], m.clock.now() + FIRST_CHECK):
            return False
        if await stock.reserve(tx, one.attempt.web_payment_id, one.order.wanted):
            raise _OutOfStockError
        return True

    try:
        held = await settle.transact(m, hold)
    except _OutOfStockError:
        await settle.transact(m, lambda tx: settle.fail_with(m, tx, one.attempt, OUT_OF_STOCK))
        return None
    return _grant(m, one) if held else await _read_back(m, one)


async def _claim_rest(m: Machines, claims: Sequence[Claim]) -> dict[str, Outcome]:
    """Claim for those for whom there may be enough; return their outcomes by their keys."""
    if len(claims) == 1:
        return {claims[0].key: await _claim_apart(m, claims[0])}
    together = await _claim_together(m, claims) if claims else []
    if together is not None:
        return dict(zip((one.key for one in claims), together, strict=True))
    kinds = _by_goods(claims)
    found: dict[str, Outcome] = {}
    for part in kinds if len(kinds) > 1 else [[one] for one in claims]:
        found |= await _claim_rest(m, part)
        if isinstance(found[part[-1].key], DatabaseUnavailableError):
            # Nothing was begun for those behind, and the database would keep each of them as long.
            return {one.key: DatabaseUnavailableError("not begun") for one in claims} | found
    return found


def _by_goods(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Return claims by the goods they are for, first come, first served."""
    kinds: dict[tuple[int, ...], list[Claim]] = {}
    for one in claims:
        kinds.setdefault(one.goods, []).append(one)
    return list(kinds.values())


async def _claim_apart(m: Machines, one: Claim) -> Outcome:
    try:
        return await claim_one(m, one)
    except (store.KeyTakenError, DatabaseUnavailableError) as error:
        return error


async def _claim_together(m: Machines, claims: Sequence[Claim]) -> Sequence[Outcome] | None:
    """Claim for all of them in one transaction; None when one of them stands in the others' way."""
    ordered = sorted(claims, key=lambda one: one.attempt.web_payment_id)

    async def hold(tx: Tx) -> bool:
        until = m.clock.now() + FIRST_CHECK
        if await store.update_to_confirming(tx, [_row(one) for one in ordered], until) != len(ordered):
            raise _ApartError
        wanted = {one.attempt.web_payment_id: one.order.wanted for one in ordered}
        if not await stock.reserve_together(tx, wanted):
            raise _ApartError
        return True

    try:
        await settle.transact(m, hold)
    except (_ApartError, store.KeyTakenError, DeadlockError):
        return None
    except DatabaseUnavailableError as error:
        return [error] * len(claims)
    return [_grant(m, one) for one in claims]


async def _read_back(m: Machines, one: Claim) -> Attempt | None:
    """Read a claim back: the key says whether it is ours, also when the COMMIT was not answered."""
    try:
        async with m.db.reserve.read() as tx:
            attempt = await select_attempt(tx, one.attempt.web_payment_id)
    except DatabaseUnavailableError as error:
        raise CommitUnknownError("claim") from error
    return _grant(m, one) if attempt.idempotency_key == one.key else None


def _grant(m: Machines, one: Claim) -> Attempt:
    """Return the attempt of a claim that was committed, as it stands now."""
    settle.count(states.CONFIRMING)
    return replace(
        one.attempt,
        status=states.CONFIRMING,
        payment_key=one.payment_key,
        idempotency_key=one.key,
        confirming_at=m.clock.now(),
        checks=0,
    )


async def _find_gone(m: Machines, claims: Sequence[Claim]) -> set[str] | DatabaseUnavailableError:
    """Return the keys of those who want more than there is, without standing in anybody's way.

    What is there may still be gone when it is taken: that is the guarded update's to say.
    """
    try:
        async with m.db.reserve.read() as tx:
            wanted = {product_id for one in claims for product_id, _ in one.order.wanted}
            left = await stock.read_left(tx, wanted)
    except DatabaseUnavailableError as error:
        return error
    return {
        one.key
        for one in claims
        if any(quantity > left.get(product_id, 0) for product_id, quantity in one.order.wanted)
    }


async def _refuse(m: Machines, claims: Sequence[Claim]) -> Sequence[Outcome]:
    """End the attempts of those who come too late, all in one transaction if that can be."""
    if not claims:
        return []
    attempts = [one.attempt for one in claims]

    async def fail(tx: Tx) -> bool:
        if await store.update_to_failed(tx, attempts, OUT_OF_STOCK) != len(attempts):
            raise _ApartError
        await settle.open_next_together(m, tx, attempts)
        return True

    try:
        await settle.transact(m, fail)
    except (_ApartError, DeadlockError):
        return [await _claim_apart(m, one) for one in claims]
    except DatabaseUnavailableError as error:
        return [error] * len(claims)
    for _ in claims:
        settle.count(states.FAILED)
    return [None] * len(claims)


def _row(one: Claim) -> tuple[Attempt, str, str]:
    return one.attempt, one.payment_key, one.key
