"""Whether somebody is who they say: by a code used once, a recovery code, or a passkey's answer."""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from app.core.errors import InvalidError, TooManyError
from app.core.languages import _, marked
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines
from app.operators import passkeys, recovery, store, totp
from app.operators.passkeys import Passkey
from app.operators.sealing import derive, unseal
from app.operators.sessions import Operator
from app.operators.store import PASSKEY, TOTP, Factor, Guessing

CODE = re.compile(r"[0-9]{6}", re.ASCII)
FREE = 5  # wrong codes in a row that cost nothing: thumbs are thick
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=15)
ALARM_AFTER = 10
RECOVERY = "recovery"
WAYS = {TOTP: marked("인증 앱"), PASSKEY: marked("패스키"), RECOVERY: marked("복구 코드")}

log = logging.getLogger(__name__)


class WrongProofError(InvalidError):
    """The second factor was not the right one; nothing else was done."""

    default_say = marked("인증 코드가 맞지 않거나 이미 쓴 코드입니다. 앱에 새로 나온 코드를 입력해 주십시오.")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was sent to prove it: a typed code, or what a passkey answered."""

    code: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sent at all."""
        return not self.code and not self.answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: by which way it was proved ('': it was not), wrong codes so far, seconds to wait."""

    way: str
    failures: int = 0
    wait: int = 0


async def check(m: Machines, tx: Tx, operator: Operator, proof: Proof) -> Outcome:
    """Use a proof up. Guesses are counted in the same transaction, one after the other."""
    guessing = await store.select_guessing_for_update(tx, operator.user_id)
    factors = await store.select_factors(tx, operator.user_id)
    if proof.answer:
        return Outcome(PASSKEY if await _check_passkey(m, tx, operator, factors, proof.answer) else "")
    now = tx.clock.now()
    left = guessing.open_at - now if guessing.open_at else timedelta(0)
    if timedelta(0) < left <= LONGEST_WAIT:
        return Outcome("", guessing.failures, math.ceil(left.total_seconds()))
    way = await _check_code(m, tx, operator, factors, proof.code)
    failures = 0 if way else guessing.failures + 1
    late = min(FIRST_WAIT * 2 ** min(failures - FREE, 10), LONGEST_WAIT) if failures >= FREE else None
    await store.update_guessing(tx, operator.user_id, Guessing(failures, now + late if late else None))
    return Outcome(way, failures)


def demand(outcome: Outcome) -> None:
    """Say what was wrong, once the count of it is committed. Raises WrongProofError or TooManyError."""
    if outcome.wait:
        say = _("인증 코드가 여러 번 틀렸습니다. %(wait)s초 후 다시 시도해 주십시오.", wait=outcome.wait)
        raise TooManyError("second factor", say=say, retry_after=outcome.wait)
    if outcome.failures == ALARM_AFTER:
        log.warning("security: a second factor of an operator was wrong %d times in a row", outcome.failures)
        metrics.alarms.labels("operator_second_factor").inc()
    if not outcome.way:
        raise WrongProofError("second factor")


def passkeys_of(factors: Sequence[Factor]) -> list[Passkey]:
    """Return the passkeys among factors."""
    return [
        Passkey(one.credential_id, one.public_key, one.sign_count) for one in factors if one.kind == PASSKEY
    ]


def question(m: Machines, operator: Operator) -> bytes:
    """Return what a passkey must sign now. It follows from the session, and each is good for one answer."""
    return derive(m.settings.secret_key, "question", operator.token, str(operator.challenges))


async def _check_code(m: Machines, tx: Tx, operator: Operator, factors: Sequence[Factor], code: str) -> str:
    plain = code.replace("-", "").replace(" ", "")
    if not CODE.fullmatch(plain):
        used = await store.update_code_used(tx, operator.user_id, recovery.hash_code(plain))
        return RECOVERY if used else ""
    for factor in factors:
        secret = unseal(m.settings.secret_key, factor.secret, operator.user_id) if factor.secret else None
        step = totp.find_step(secret, plain, tx.clock.now()) if secret else None
        if step is not None and await store.update_step_used(tx, factor.operator_factor_id, step):
            return TOTP
    return ""


async def _check_passkey(
    m: Machines, tx: Tx, operator: Operator, factors: Sequence[Factor], answer: str
) -> bool:
    site, named = passkeys.site_of(m.settings), passkeys.named_in(answer)
    known = [one for one in factors if one.kind == PASSKEY and one.credential_id == named]
    unused = await store.update_challenges(tx, operator.token_hash, operator.challenges)
    if site is None or not known or not unused:
        return False
    [passkey] = passkeys_of(known)
    count = passkeys.check_answer(site, answer, question(m, operator), passkey)
    if count is None:
        return False
    await store.update_passkey_used(tx, known[0].operator_factor_id, count)
    return True
