"""Who runs the shop is decided at the command line: made, taken out, let in again, given new factors."""

from app.accounts import service as accounts
from app.accounts.service import NewUser
from app.audit import service as audit
from app.audit.service import Actor
from app.core.errors import NotFoundError
from app.core.languages import marked
from app.infra.db import Tx
from app.machines import Machines
from app.operators import store
from app.operators.sealing import seal
from app.operators.store import PASSKEY, TOTP, Account

NOBODY = marked("그런 운영자가 없습니다.")


async def create(m: Machines, actor: Actor, signup_id: str, name: str, password: str) -> int:
    """Make an operator and return their number; the first log-in enrols the second factor.

    Raises InvalidError or TakenError.
    """
    member = await accounts.create_operator(m, signup_id, name, password)

    async def make(tx: Tx) -> None:
        await store.upsert_operator(tx, member.user_id)
        await audit.note_change(tx, actor, "operator.created", member.signup_id)

    await m.db.retrying(make)
    return member.user_id


async def disable(m: Machines, actor: Actor, signup_id: str) -> None:
    """Take somebody out; every session ends at once. Raises NotFoundError."""

    async def end(tx: Tx) -> None:
        account = await _read(tx, signup_id)
        await store.update_disabled(tx, account.user_id)
        await store.update_sessions_ended(tx, account.user_id)
        await audit.note_change(tx, actor, "operator.disabled", account.signup_id)

    await m.db.retrying(end)


async def enable(m: Machines, actor: Actor, signup_id: str) -> None:
    """Let somebody in again who was taken out. Raises NotFoundError."""

    async def begin(tx: Tx) -> None:
        account = await _read(tx, signup_id)
        await store.upsert_operator(tx, account.user_id)
        await audit.note_change(tx, actor, "operator.enabled", account.signup_id)

    await m.db.retrying(begin)


async def reset_factors(m: Machines, actor: Actor, signup_id: str) -> None:
    """Forget every second factor of somebody: the next log-in enrols a new one. Raises NotFoundError."""

    async def forget(tx: Tx) -> None:
        account = await _read(tx, signup_id)
        for kind in (TOTP, PASSKEY):
            await store.delete_factors(tx, account.user_id, kind)
        await store.delete_codes(tx, account.user_id)
        await store.update_sessions_ended(tx, account.user_id)
        await audit.note_change(tx, actor, "operator.factors_reset", account.signup_id)

    await m.db.retrying(forget)


async def ensure_demo_operator(m: Machines, new: NewUser, secret: str) -> None:
    """Have the operator of a shop that is only being tried out, with an authenticator we hold ourselves."""
    await accounts.ensure_user(m, new, role="operator")

    async def make(tx: Tx) -> None:
        user_id = await store.select_user_id(tx, new.signup_id)
        await store.upsert_operator(tx, user_id)
        if not await store.select_factors(tx, user_id):
            sealed = seal(m.settings.secret_key, secret, user_id)
            row = {"user_id": user_id, "kind": TOTP, "label": "./dev code", "secret": sealed}
            await store.insert_factor(tx, row)

    await m.db.retrying(make)


async def _read(tx: Tx, signup_id: str) -> Account:
    account = await store.select_account(tx, signup_id)
    if account is None:
        raise NotFoundError(NOBODY, say=NOBODY)
    return account
