"""What operators fill in."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from app.audit.service import Actor
from app.core import ids
from app.core.languages import _
from app.payments.service import RefundAccount, RefundWish
from app.web.forms import Fields

NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
ACCOUNT = re.compile(r"[0-9]{6,20}", re.ASCII)
NAMES = ("nonce", "amount", "reason", "bank", "account_number", "holder_name")


@dataclass(frozen=True, slots=True)
class RefundForm:
    """How much goes back, why, and for a deposit: to which account."""

    amount: int
    reason: str
    account: RefundAccount | None
    nonce: str

    @classmethod
    def read(cls, fields: Fields, *, most: int, banks: Collection[str]) -> "RefundForm":
        """Read the form; ``banks`` are the codes to choose from, none where no account is needed."""
        amount = fields.whole("amount", _("환불 금액"), least=1, most=most) if most else 0
        reason = fields.text("reason", _("환불 사유"), most=100)
        account = _read_account(fields, banks) if banks else None
        nonce = fields.sent.get("nonce", "")
        if not NONCE.fullmatch(nonce):
            fields.fail("amount", _("화면을 새로 연 뒤 다시 보내 주십시오. 변경된 내용은 없습니다."))
        return cls(amount, reason, account, nonce)

    def wish(self, actor: Actor) -> RefundWish:
        """Return what is asked for. The form's own number makes sending it twice one refund."""
        return RefundWish(self.nonce, self.amount, self.reason, self.account, actor)


def blank_refund() -> dict[str, str]:
    """Return an unfilled form with a number of its own."""
    return {**dict.fromkeys(NAMES, ""), "nonce": ids.idempotency_key()}


def typed_refund(fields: Fields) -> dict[str, str]:
    """Return the form as it was filled in."""
    return {name: fields.sent.get(name, "") for name in NAMES}


def _read_account(fields: Fields, banks: Collection[str]) -> RefundAccount:
    bank = fields.text("bank", _("은행"), most=10)
    if "bank" not in fields.errors and bank not in banks:
        fields.fail("bank", _("은행을 목록에서 골라 주십시오."))
    number = fields.text("account_number", _("계좌번호"), most=30)
    digits = re.sub(r"[\s-]", "", number)
    if "account_number" not in fields.errors and not ACCOUNT.fullmatch(digits):
        fields.fail("account_number", _("계좌번호를 숫자 6자리에서 20자리로 입력해 주십시오."))
    return RefundAccount(bank, digits, fields.text("holder_name", _("예금주"), most=60))
