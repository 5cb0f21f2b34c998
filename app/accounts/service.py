"""Signing up, logging in, proving oneself again, changing the password."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from app.accounts import consents, rules, sessions, store
from app.accounts.addresses.address import Address, Place
from app.accounts.addresses.service import MOST as MOST_ADDRESSES
from app.accounts.addresses.service import AddressesFullError, add_address, read_addresses
from app.accounts.attempts import Attempts
from app.accounts.closure.service import release_ids
from app.accounts.links import service as links
from app.accounts.links.service import answer_reset, ask_reset
from app.accounts.links.service import purge as purge_links
from app.accounts.passwords import Passwords
from app.accounts.rules import PasswordRule
from app.accounts.store import Member
from app.core.errors import (
    CommitUnknownError,
    ConflictError,
    InvalidError,
    NotFoundError,
    TooManyError,
    UnavailableError,
)
from app.core.languages import marked
from app.infra.db import Tx
from app.machines import Machines

__all__ = [
    "MOST_ADDRESSES",
    "Address",
    "AddressesFullError",
    "Place",
    "add_address",
    "answer_reset",
    "ask_reset",
    "purge_links",
    "read_addresses",
    "release_ids",
]

SAME_FORM = timedelta(minutes=10)  # within which a sign-up that comes again is no stranger's
TAKEN = marked("이미 쓰고 있는 아이디입니다. 다른 아이디를 입력해 주십시오.")

log = logging.getLogger(__name__)


class TakenError(ConflictError):
    """Somebody has this log-in id."""

    default_say = TAKEN


class WrongPasswordError(InvalidError):
    """The present password, asked for once more, was not the right one."""

    default_say = marked("지금 쓰는 비밀번호가 맞지 않습니다.")


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody about to become a user; the forms have seen to it that every field is sound."""

    signup_id: str
    password: str = field(repr=False)
    name: str
    phone: str
    email: str = ""
    agreed: tuple[str, ...] = ()


async def is_available(m: Machines, signup_id: str) -> bool:
    """Whether an id is free at this moment; who gets it is decided when it is taken."""
    async with m.db.read() as tx:
        return not await store.select_is_taken(tx, signup_id)


async def sign_up(m: Machines, new: NewUser, *, role: str = "shopper") -> Member:
    """Make a user. Raises TakenError."""
    if not await is_available(m, new.signup_id):
        raise TakenError("the log-in id is taken")  # spares the hashing; the unique key decides below
    password_hash = await m.keep(Passwords).hash(new.password)
    row = {
        "signup_id": new.signup_id,
        "signup_password": password_hash,
        "name": new.name,
        "phone": new.phone,
        "email": new.email or None,
        "consents": consents.give("{}", new.agreed, m.clock.now()),
        "role": role,
    }

    async def insert(tx: Tx) -> bool:
        if not await store.insert_user(tx, row):
            return False
        # Whether somebody else has the address makes no difference here: nobody can learn it.
        if new.email and (member := await store.select_member_by_signup_id(tx, new.signup_id)):
            await links.ask_email(tx, m.settings.secret_key, member.user_id, new.email)
        return True

    inserted = True
    # Whether the commit happened is seen when the row is read back.
    with suppress(CommitUnknownError):
        inserted = await m.db.retrying(insert)
    async with m.db.read() as tx:
        member = await store.select_member_by_signup_id(tx, new.signup_id)
    if inserted and member is None:
        raise UnavailableError("sign-up not committed")
    if member is None or member.password_hash != password_hash:
        raise TakenError("the log-in id is taken")
    return member


async def sign_up_once(m: Machines, new: NewUser) -> Member:
    """Make a user, or return whom the same form made a moment ago: it was sent twice, or its answer was lost.

    Raises TakenError.
    """
    try:
        return await sign_up(m, new)
    except TakenError:
        async with m.db.read() as tx:
            member = await store.select_member_by_signup_id(tx, new.signup_id)
        if member is None or not await _is_same(m, member, new):
            raise
        return member


async def _is_same(m: Machines, member: Member, new: NewUser) -> bool:
    is_new = m.clock.now() - member.created_at <= SAME_FORM
    same = (member.name, member.phone, member.role) == (new.name, new.phone, "shopper")
    return is_new and same and await m.keep(Passwords).verify(new.password, member.password_hash)


async def ensure_user(m: Machines, new: NewUser, *, role: str) -> None:
    """Make a user unless the log-in id exists already."""
    with suppress(TakenError):
        await sign_up(m, new, role=role)


async def create_operator(m: Machines, signup_id: str, name: str, password: str) -> Member:
    """Make an operator's account. Raises InvalidError or TakenError."""
    folded = rules.fold_signup_id(signup_id)
    if not rules.is_signup_id(folded):
        raise InvalidError(rules.SIGNUP_ID_SENTENCE, say=rules.SIGNUP_ID_SENTENCE)
    if wrong := m.keep(PasswordRule).judge(password, folded):
        raise InvalidError(wrong, say=wrong)
    return await sign_up(m, NewUser(folded, password, name, ""), role="operator")


async def log_in(m: Machines, signup_id: str, password: str) -> Member | None:
    """Return whom an id and a password belong to, or None: no such user and a wrong password are one.

    Raises TooManyError after many failures, or when too many people log in at once.
    """
    folded = rules.fold_signup_id(signup_id)
    await m.keep(Attempts).admit(folded)
    member = None
    if rules.is_signup_id(folded):
        async with m.db.read() as tx:
            member = await store.select_member_by_signup_id(tx, folded)
    right = await m.keep(Passwords).verify(password, member.password_hash if member else None)
    if member is None or not right:
        log.info("log-in refused")  # not for whom: what was typed may be a password in the wrong field
        return None
    log.info("log-in of user %d", member.user_id)
    await m.keep(Attempts).forgive(folded)
    if m.keep(Passwords).is_outdated(member.password_hash):
        await _rehash(m, member, password)
    return member


async def read_account(m: Machines, user_id: int) -> Member:
    """Return a user. Raises NotFoundError."""
    async with m.db.read() as tx:
        return await read_member(tx, user_id)


async def end_sessions(m: Machines, signup_id: str) -> None:
    """End every session of whom an id belongs to: they called, or their telephone was stolen.

    Raises NotFoundError.
    """
    async with m.db.read() as tx:
        member = await store.select_member_by_signup_id(tx, rules.fold_signup_id(signup_id))
    if member is None:
        raise NotFoundError("no such user")
    await sessions.close_all(m, member.user_id)


async def read_member(tx: Tx, user_id: int) -> Member:
    """Return a user, within a page's one transaction. Raises NotFoundError."""
    member = await store.select_member(tx, user_id)
    if member is None:
        raise NotFoundError("no such user")
    return member


async def prove(m: Machines, user_id: int, password: str) -> Member:
    """Return a user whose password was right once more. Raises WrongPasswordError."""
    member = await read_account(m, user_id)
    await m.keep(Attempts).admit(member.signup_id)
    if not await m.keep(Passwords).verify(password, member.password_hash):
        raise WrongPasswordError
    await m.keep(Attempts).forgive(member.signup_id)
    return member


async def change_password(m: Machines, user_id: int, old: str, new: str) -> Member:
    """Change the password and end every session of the user. Raises WrongPasswordError."""
    member = await prove(m, user_id, old)
    password_hash = await m.keep(Passwords).hash(new)

    async def change(tx: Tx) -> list[str]:
        if not await store.update_password(tx, member, password_hash):
            raise ConflictError("password changed meanwhile")
        await links.tell(tx, member, "password_changed")
        return list(await store.update_sessions_revoked(tx, user_id))

    await sessions.forget(m, await m.db.retrying(change))
    return await read_account(m, user_id)


async def set_consent(m: Machines, user_id: int, name: str, *, given: bool) -> None:
    """Give or withdraw an optional consent."""

    async def change(tx: Tx) -> None:
        member = await read_member(tx, user_id)
        if given != consents.holds(member.consents, name):
            now = tx.clock.now()
            written = (
                consents.give(member.consents, (name,), now)
                if given
                else consents.withdraw(member.consents, name, now)
            )
            await store.update_consents(tx, user_id, written)

    await m.db.retrying(change)


async def _rehash(m: Machines, member: Member, password: str) -> None:
    # If it cannot be done now, the next log-in does it.
    with suppress(UnavailableError, TooManyError):
        password_hash = await m.keep(Passwords).hash(password)
        await m.db.retrying(lambda tx: store.update_hash(tx, member, password_hash))
