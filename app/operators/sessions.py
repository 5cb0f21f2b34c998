"""An operator's session: a row in the database and nothing else, short, and over by the server's clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.core import ids
from app.core.errors import ConflictError
from app.infra.db import Tx
from app.machines import Machines
from app.operators import store
from app.operators.store import Account

IDLE = timedelta(minutes=30)
MOST = timedelta(hours=8)
ENTRY = timedelta(minutes=10)  # from the password to the second factor
FRESH = timedelta(minutes=10)  # how long a second factor is good for changes
SEEN_EVERY = timedelta(minutes=1)
USER_AGENT_LENGTH = 255
PURGE_BATCH = 1000

# What a session may do: show the second factor, get a first one, run the shop; or it was over by the clock.
PROVING, ENROLLING, INSIDE, OVER = "proving", "enrolling", "inside", "over"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody sits: address and browser."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs the shop, in one session."""

    user_id: int
    signup_id: str
    name: str
    stage: str
    epoch: int
    challenges: int
    proved_at: datetime | None
    token: str = field(repr=False)

    @property
    def token_hash(self) -> str:
        """What the database knows the session by."""
        return ids.fingerprint(self.token)


def is_fresh(m: Machines, operator: Operator) -> bool:
    """Whether the last second factor is recent enough to change something."""
    return operator.proved_at is not None and m.clock.now() - operator.proved_at < FRESH


async def find_operator(m: Machines, token: str) -> Operator | None:
    """Return who a token stands for; None for an unknown one, and for a session that was ended."""
    token_hash, now = ids.fingerprint(token), m.clock.now()
    async with m.db.read() as tx:
        row = await store.select_session(tx, token_hash)
    if row is None:
        return None
    stage = _stage(row, now)
    if stage != OVER and now - row.last_seen_at >= SEEN_EVERY:
        await m.db.retrying(lambda tx: store.update_seen(tx, token_hash))
    return Operator(
        row.user_id, row.signup_id, row.name, stage, row.epoch, row.challenges, row.proved_at, token
    )


async def open_entry(m: Machines, account: Account, place: Place) -> str:
    """Begin to log in: the password was right. Return the token that leads to the second factor only."""
    token, expires_at = ids.token(), m.clock.now() + ENTRY
    row = _row(token, account.user_id, account.session_epoch, place)
    await m.db.retrying(
        lambda tx: store.insert_session(tx, row | {"proved_at": None, "expires_at": expires_at})
    )
    return token


async def let_in(tx: Tx, operator: Operator, token: str, place: Place) -> None:
    """Go on under a new token: the one from before the second factor is worth nothing any more.

    Raises ConflictError when the session is over meanwhile.
    """
    if not await store.update_session_ended(tx, operator.token_hash):
        raise ConflictError("session ended meanwhile")
    now = tx.clock.now()
    row = _row(token, operator.user_id, operator.epoch, place)
    await store.insert_session(tx, row | {"proved_at": now, "expires_at": now + MOST})


async def purge_ended(m: Machines) -> None:
    """Delete the rows of sessions that are over."""
    while await m.db.retrying(lambda tx: store.delete_ended_sessions(tx, PURGE_BATCH)) == PURGE_BATCH:
        continue


def _stage(row: store.SessionRow, now: datetime) -> str:
    if now >= row.expires_at or now - row.last_seen_at >= IDLE:
        return OVER
    if row.proved_at is not None:
        return INSIDE
    return PROVING if row.has_factor else ENROLLING


def _row(token: str, user_id: int, epoch: int, place: Place) -> dict[str, object]:
    return {
        "token_hash": ids.fingerprint(token),
        "user_id": user_id,
        "epoch": epoch,
        "address": place.address,
        "user_agent": place.user_agent[:USER_AGENT_LENGTH],
    }
