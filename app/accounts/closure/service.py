"""Closing an account: what must be settled first, what goes at once, and what the law keeps for a while.

Name, telephone, e-mail, password and consents are overwritten in the transaction that closes the account;
its sessions and links end in it, its addresses are forgotten and its cart is emptied. Orders and payments
keep whom they went to, apart from the profile, for five years (payments/service.py forgets them then). The
log-in id stays taken for as long: whoever got it meanwhile would be taken for the buyer in those records.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from app.accounts import sessions
from app.accounts import store as accounts
from app.accounts.addresses import store as address_rows
from app.accounts.closure import store
from app.accounts.links import service as links
from app.accounts.links import store as link_rows
from app.accounts.store import Member
from app.core.errors import ConflictError, NotFoundError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.machines import Machines

RETENTION = timedelta(days=5 * 366)
OPERATOR = marked("운영자 계정은 여기서 닫을 수 없습니다.")

# Another room's say in it: why not yet ('' for nothing against it), or what of its own goes too.
FindObstacle = Callable[[Tx, int], Awaitable[str]]
Discard = Callable[[Tx, int], Awaitable[None]]


class UnsettledError(ConflictError):
    """Something of the account is still under way."""

    title = marked("아직 탈퇴하실 수 없습니다")


async def find_obstacle(tx: Tx, member: Member, obstacles: Sequence[FindObstacle]) -> str:
    """Return why an account cannot be closed yet, or ''."""
    if member.role == "operator":
        return _(OPERATOR)
    for find in obstacles:
        if sentence := await find(tx, member.user_id):
            return sentence
    return ""


async def close(m: Machines, user_id: int, obstacles: Sequence[FindObstacle], discard: Discard) -> None:
    """Close an account for good. Raises UnsettledError, and NotFoundError when it is closed already."""

    async def work(tx: Tx) -> list[str]:
        member = await accounts.select_member(tx, user_id)
        # Closed first: its row is ours from here on, and no order is placed beside us.
        if member is None or not await store.update_closed(tx, user_id):
            raise NotFoundError("closed already")
        if sentence := await find_obstacle(tx, member, obstacles):
            raise UnsettledError("unsettled", say=sentence)
        await discard(tx, user_id)
        await link_rows.delete_links_of(tx, user_id)
        await address_rows.delete_addresses_of(tx, user_id)
        await links.tell(tx, member, "account_closed")
        return list(await accounts.update_sessions_revoked(tx, user_id))

    await sessions.forget(m, await m.db.retrying(work))


async def release_ids(m: Machines) -> None:
    """Give back the ids of accounts that nothing is kept of any more."""
    await m.db.retrying(lambda tx: store.update_ids_released(tx, tx.clock.now() - RETENTION))
