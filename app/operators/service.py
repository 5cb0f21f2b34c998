"""How operators come in, prove that they are it, and keep what proves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts import service as accounts
from app.audit import service as audit
from app.audit.service import Actor
from app.core import ids
from app.core.errors import ConflictError, NotFoundError
from app.core.languages import _, marked
from app.infra.db import Tx
from app.infra.qr import QrCode
from app.machines import Machines
from app.operators import passkeys, proof, recovery, sessions, store, totp
from app.operators.passkeys import Passkey
from app.operators.proof import Outcome, Proof, WrongProofError
from app.operators.sealing import derive, seal
from app.operators.sessions import ENROLLING, FRESH, Operator, Place
from app.operators.staff import create, disable, enable, ensure_demo_operator, reset_factors
from app.operators.store import PASSKEY, TOTP, Factor
from app.operators.totp import code_at, make_secret

__all__ = [
    "Enrolment",
    "Proof",
    "WrongProofError",
    "code_at",
    "create",
    "disable",
    "enable",
    "ensure_demo_operator",
    "make_secret",
    "reset_factors",
]

MOST_PASSKEYS = 10
TOTP_LABEL = marked("인증 앱")
WRONG_CODE = marked("코드가 맞지 않습니다. 앱에 지금 나온 여섯 자리를 입력해 주십시오.")
STRANGE_PASSKEY = marked("패스키를 등록하지 못했습니다. 다시 시도해 주십시오.")
FULL = marked("패스키는 %(most)s개까지 등록할 수 있습니다. 쓰지 않는 것을 먼저 삭제해 주십시오.")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret on its way into an authenticator app: to scan, and to type."""

    qr: QrCode
    secret: str


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A passkey as its owner sees it."""

    operator_factor_id: int
    label: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Keyring:
    """All that proves an operator. ``registration``: what the browser makes a passkey from, '' for none."""

    totp_since: datetime
    passkeys: Sequence[FactorRow]
    codes_left: int
    registration: str


async def log_in(m: Machines, signup_id: str, password: str, place: Place) -> str | None:
    """Return the token of a session that leads to the second factor, and no further.

    None for a wrong password, and for everybody who does not run the shop. Raises TooManyError.
    """
    member = await accounts.log_in(m, signup_id, password)
    if member is None:
        return None
    async with m.db.read() as tx:
        account = await store.select_account_by_id(tx, member.user_id)
    if account is None or not account.is_operator:
        return None
    return await sessions.open_entry(m, account, place)


async def enter(m: Machines, operator: Operator, sent: Proof, place: Place) -> str:
    """Take the second factor, and return the token of a session that runs the shop.

    Raises WrongProofError, TooManyError, or ConflictError when the session is over.
    """
    token = ids.token()

    async def take(tx: Tx) -> Outcome:
        outcome = await _check(m, tx, operator, sent, place.address)
        if outcome.way:
            await sessions.let_in(tx, operator, token, place)
            await _note(tx, operator, place.address, "operator.logged_in", proof.WAYS[outcome.way])
        return outcome

    proof.demand(await m.db.retrying(take))
    return token


async def prove(m: Machines, operator: Operator, sent: Proof, address: str) -> None:
    """Take the second factor once more, before a change. Raises WrongProofError or TooManyError."""

    async def take(tx: Tx) -> Outcome:
        outcome = await _check(m, tx, operator, sent, address)
        if outcome.way:
            await store.update_proved(tx, operator.token_hash)
        return outcome

    proof.demand(await m.db.retrying(take))


async def log_out(m: Machines, operator: Operator, address: str) -> None:
    """End this session."""

    async def end(tx: Tx) -> None:
        if await store.update_session_ended(tx, operator.token_hash):
            await _note(tx, operator, address, "operator.logged_out")

    await m.db.retrying(end)


async def ask_passkey(m: Machines, operator: Operator) -> str:
    """Return what the browser asks a passkey with, as JSON; '' when the operator has none here."""
    async with m.db.read() as tx:
        known = proof.passkeys_of(await store.select_factors(tx, operator.user_id))
    site = passkeys.site_of(m.settings)
    return passkeys.request_options(site, proof.question(m, operator), known) if site and known else ""


async def begin_totp(m: Machines, operator: Operator) -> Enrolment:
    """Return a secret for an authenticator app: nothing is kept until the app has shown a right code."""
    async with m.db.read() as tx:
        secret = _new_secret(m, operator, await store.select_factors(tx, operator.user_id))
    return Enrolment(totp.draw(secret, operator.signup_id, m.settings.shop_name), secret)


async def enrol(m: Machines, operator: Operator, code: str, place: Place) -> str:
    """Keep the first authenticator app, make recovery codes, and return the token of a session inside.

    Raises WrongProofError, or ConflictError when there is a factor already.
    """
    token = ids.token()

    async def keep(tx: Tx) -> bool:
        await store.select_guessing_for_update(tx, operator.user_id)
        factors = await store.select_factors(tx, operator.user_id)
        if operator.stage != ENROLLING or factors:
            raise ConflictError("enrolled already")
        if not await _keep_totp(m, tx, operator, factors, code):
            return False
        await sessions.let_in(tx, operator, token, place)
        await _keep_codes(m, tx, operator, token)
        for action in ("factor.totp_set", "factor.codes_made", "operator.logged_in"):
            await _note(tx, operator, place.address, action)
        return True

    if not await m.db.retrying(keep):
        raise WrongProofError(say=_(WRONG_CODE))
    return token


async def read_keyring(m: Machines, operator: Operator) -> Keyring:
    """Return all that proves an operator."""
    async with m.db.read() as tx:
        factors = await store.select_factors(tx, operator.user_id)
        batch = await store.select_batch(tx, operator.user_id)
    site, known = passkeys.site_of(m.settings), proof.passkeys_of(factors)
    rows = [
        FactorRow(one.operator_factor_id, one.label, one.created_at, one.used_at)
        for one in factors
        if one.kind == PASSKEY
    ]
    asked = ""
    if site and len(known) < MOST_PASSKEYS:
        asked = passkeys.registration_options(site, operator.signup_id, _registration(m, operator), known)
    [app] = [one for one in factors if one.kind == TOTP]
    return Keyring(app.created_at, rows, batch.left if batch else 0, asked)


async def replace_totp(m: Machines, operator: Operator, code: str, address: str) -> None:
    """Keep another authenticator app in the place of the present one. Raises WrongProofError."""

    async def replace(tx: Tx) -> bool:
        await store.select_guessing_for_update(tx, operator.user_id)
        factors = await store.select_factors(tx, operator.user_id)
        if not await _keep_totp(m, tx, operator, factors, code):
            return False
        await _note(tx, operator, address, "factor.totp_set")
        return True

    if not await m.db.retrying(replace):
        raise WrongProofError(say=_(WRONG_CODE))


async def add_passkey(m: Machines, operator: Operator, label: str, answer: str, address: str) -> None:
    """Keep a passkey. Raises WrongProofError, or ConflictError when there are too many."""
    site = passkeys.site_of(m.settings)
    made = passkeys.read_registration(site, answer, _registration(m, operator)) if site else None
    if made is None:
        raise WrongProofError("registration", say=STRANGE_PASSKEY)

    async def keep(tx: Tx) -> None:
        await store.select_guessing_for_update(tx, operator.user_id)
        if len(proof.passkeys_of(await store.select_factors(tx, operator.user_id))) >= MOST_PASSKEYS:
            raise ConflictError("passkeys", say=_(FULL, most=MOST_PASSKEYS))
        # The same answer sent twice is one passkey.
        if await store.insert_factor(tx, _passkey_row(operator.user_id, label, made)):
            await _note(tx, operator, address, "factor.passkey_added", label)

    await m.db.retrying(keep)


async def remove_passkey(m: Machines, operator: Operator, operator_factor_id: int, address: str) -> None:
    """Forget a passkey of one's own; an authenticator app is always left. Raises NotFoundError."""

    async def remove(tx: Tx) -> None:
        if not await store.delete_passkey(tx, operator.user_id, operator_factor_id):
            raise NotFoundError("no such passkey", say=_("패스키를 찾을 수 없습니다."))
        await _note(tx, operator, address, "factor.passkey_removed", str(operator_factor_id))

    await m.db.retrying(remove)


async def make_codes(m: Machines, operator: Operator, address: str) -> None:
    """Make new recovery codes; the old ones are worth nothing any more."""

    async def make(tx: Tx) -> None:
        await store.select_guessing_for_update(tx, operator.user_id)  # or two batches stay
        await _keep_codes(m, tx, operator, operator.token)
        await _note(tx, operator, address, "factor.codes_made")

    await m.db.retrying(make)


async def read_new_codes(m: Machines, operator: Operator) -> list[str]:
    """Return the recovery codes this session has just made; none when it made none, or some time ago.

    They follow from the session's token: only their hashes are kept, and no other session can show them.
    """
    async with m.db.read() as tx:
        batch = await store.select_batch(tx, operator.user_id)
        if batch is None or m.clock.now() - batch.created_at >= FRESH:
            return []
        codes = recovery.make_codes(m.settings.secret_key, operator.token, batch.batch)
        mine = await store.select_has_code(tx, operator.user_id, recovery.hash_code(codes[0]))
    return [recovery.group(code) for code in codes] if mine else []


async def _check(m: Machines, tx: Tx, operator: Operator, sent: Proof, address: str) -> Outcome:
    outcome = await proof.check(m, tx, operator, sent)
    if not outcome.way:
        await _note(tx, operator, address, "operator.refused", _("대기 중") if outcome.wait else "")
    return outcome


async def _keep_totp(m: Machines, tx: Tx, operator: Operator, factors: Sequence[Factor], code: str) -> bool:
    secret = _new_secret(m, operator, factors)
    step = totp.find_step(secret, "".join(code.split()), tx.clock.now())
    if step is None:
        return False
    await store.delete_factors(tx, operator.user_id, TOTP)
    row = {"user_id": operator.user_id, "kind": TOTP, "label": TOTP_LABEL, "last_step": step}
    await store.insert_factor(tx, row | {"secret": seal(m.settings.secret_key, secret, operator.user_id)})
    return True


async def _keep_codes(m: Machines, tx: Tx, operator: Operator, token: str) -> None:
    batch = ids.idempotency_key()
    codes = recovery.make_codes(m.settings.secret_key, token, batch)
    await store.replace_codes(tx, operator.user_id, batch, [recovery.hash_code(code) for code in codes])


def _new_secret(m: Machines, operator: Operator, factors: Sequence[Factor]) -> str:
    """Return the secret this session would enrol next: the same on every look, another after each change."""
    before = "".join(one.secret for one in factors)
    return make_secret(derive(m.settings.secret_key, "totp", operator.token, before))


def _registration(m: Machines, operator: Operator) -> bytes:
    return derive(m.settings.secret_key, "registration", operator.token)


def _passkey_row(user_id: int, label: str, made: Passkey) -> dict[str, object]:
    return {
        "user_id": user_id,
        "kind": PASSKEY,
        "label": label,
        "credential_hash": ids.fingerprint(made.credential_id),
        "credential_id": made.credential_id,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
    }


async def _note(tx: Tx, operator: Operator, address: str, action: str, detail: str = "") -> None:
    actor = Actor(operator.user_id, operator.signup_id, address)
    await audit.note_change(tx, actor, action, operator.signup_id, detail)
