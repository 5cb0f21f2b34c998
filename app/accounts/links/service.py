"""What is done through a link sent by mail: a new password, a confirmed address.

A link's token is 256 bits, stored as its SHA-256, and works once. Looking at it uses nothing up, so mail
scanners that open every link do no harm. A message carries only the seed it is derived from (core/ids.py).
"""

from datetime import timedelta

from app.accounts import sessions
from app.accounts import store as accounts
from app.accounts.attempts import Attempts
from app.accounts.links import store
from app.accounts.links.store import Link
from app.accounts.messages import ResetAsked
from app.accounts.passwords import Passwords
from app.accounts.store import Member
from app.core import ids, languages
from app.core.clock import format_kst
from app.core.errors import NotFoundError, TooManyError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.machines import Machines
from app.mail.messages import SendMail

RESET, EMAIL = "reset", "email"
RESET_LIFE, EMAIL_LIFE = timedelta(minutes=10), timedelta(hours=24)
MOST, WITHIN = 5, timedelta(hours=1)  # links to one account: nobody's mailbox is filled by others
KEPT = timedelta(days=7)


class LinkGoneError(NotFoundError):
    """The link was used, has expired, or never was."""

    title = marked("더는 쓸 수 없는 링크입니다")
    default_say = marked("링크는 정해진 시간 동안 한 번만 쓸 수 있습니다. 새 링크를 받아 주십시오.")


async def ask_reset(m: Machines, email: str) -> None:
    """Have a link mailed to whoever has this address; the same is done for one that nobody has."""
    asked = ResetAsked(email, ids.token(), languages.spoken())
    await m.db.retrying(lambda tx: tx.announce(asked))


async def answer_reset(m: Machines, asked: ResetAsked) -> None:
    """Mail a link to each account with the address, unless it was sent many; heard twice, it is done once."""
    async with m.db.read() as tx:  # most addresses of a stranger's list are nobody's: they cost a look
        found = await store.select_users_by_email(tx, asked.email)

    async def answer(tx: Tx) -> None:
        for user_id, signup_id in found:
            if await store.count_links(tx, user_id, tx.clock.now() - WITHIN) < MOST:
                seed = f"{asked.seed}.{user_id}"
                link = Link(_hash(m, seed), user_id, asked.email)
                if await store.insert_link(tx, link, RESET, tx.clock.now() + RESET_LIFE):
                    facts = {"signup_id": signup_id}
                    number = link.token_hash[:32]
                    path, language = "/password-reset/", asked.language
                    await tx.announce(
                        SendMail("password_reset", asked.email, number, facts, path, seed, language)
                    )

    if found:
        await m.db.retrying(answer)


async def read_reset(m: Machines, token: str) -> Member:
    """Return whose password a link may set. Raises LinkGoneError."""
    async with m.db.read() as tx:
        link = await store.select_link(tx, ids.fingerprint(token), RESET)
        member = await accounts.select_member(tx, link.user_id) if link else None
    if member is None:
        raise LinkGoneError("reset link")
    return member


async def reset_password(m: Machines, token: str, new: str) -> None:
    """Set a new password, use the link up and end every session. Raises LinkGoneError."""
    member = await read_reset(m, token)
    password_hash = await m.keep(Passwords).hash(new)

    async def reset(tx: Tx) -> list[str]:
        link = await store.select_link(tx, ids.fingerprint(token), RESET)
        if link is None or not await store.update_used(tx, link):
            raise LinkGoneError("reset link")
        await store.update_all_used(tx, member.user_id, RESET)
        await accounts.update_password_by_link(tx, member.user_id, password_hash)
        await tell(tx, member, "password_changed")
        return list(await accounts.update_sessions_revoked(tx, member.user_id))

    await sessions.forget(m, await m.db.retrying(reset))
    await m.keep(Attempts).forgive(member.signup_id)


async def ask_email(tx: Tx, secret_key: str, user_id: int, email: str) -> None:
    """Mail a link to an address that may become the user's. Raises TooManyError."""
    if await store.count_links(tx, user_id, tx.clock.now() - WITHIN) >= MOST:
        say = _("확인 메일을 여러 번 보냈습니다. 스팸함을 살펴보시고, 한 시간 뒤에 다시 시도해 주십시오.")
        raise TooManyError("links", say=say, retry_after=int(WITHIN.total_seconds()))
    seed = ids.token()
    link = Link(ids.fingerprint(ids.derive_token(secret_key, seed)), user_id, email)
    await store.insert_link(tx, link, EMAIL, tx.clock.now() + EMAIL_LIFE)
    number, path = link.token_hash[:32], "/account/email/"
    await tx.announce(SendMail("email_confirmation", email, number, {}, path, seed, languages.spoken()))


async def read_email(m: Machines, token: str, user_id: int) -> str:
    """Return which address a link of this user's confirms. Raises LinkGoneError."""
    async with m.db.read() as tx:
        return (await _select_email(tx, token, user_id)).email


async def confirm_email(m: Machines, token: str, user_id: int) -> None:
    """Make an address the user's; the one before is told. Raises LinkGoneError."""

    async def confirm(tx: Tx) -> None:
        link = await _select_email(tx, token, user_id)
        member = await accounts.select_member(tx, user_id)
        if member is None or not await store.update_used(tx, link):
            raise LinkGoneError("e-mail link")
        await store.update_all_used(tx, user_id, RESET)  # those sent to the address before
        if member.email != link.email:
            await tell(tx, member, "email_changed")
        await store.update_email(tx, user_id, link.email)

    await m.db.retrying(confirm)


async def tell(tx: Tx, member: Member, kind: str) -> None:
    """Tell a user by mail what happened to the account, if there is an address known to be theirs."""
    if member.confirmed_email:
        now = tx.clock.now()
        facts = {"signup_id": member.signup_id, "at": format_kst(now)}
        number, language = f"{member.user_id} {now}", languages.spoken()
        await tx.announce(SendMail(kind, member.confirmed_email, number, facts, language=language))


async def purge(m: Machines) -> None:
    """Forget links that ended long ago."""
    await m.db.retrying(lambda tx: store.delete_links(tx, tx.clock.now() - KEPT))


async def _select_email(tx: Tx, token: str, user_id: int) -> Link:
    link = await store.select_link(tx, ids.fingerprint(token), EMAIL)
    if link is None or link.user_id != user_id:
        raise LinkGoneError("e-mail link")
    return link


def _hash(m: Machines, seed: str) -> str:
    return ids.fingerprint(ids.derive_token(m.settings.secret_key, seed))
