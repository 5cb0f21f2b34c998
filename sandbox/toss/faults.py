"""Faults that can be ordered: what Toss's own test environment cannot be made to do."""

import itertools
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from sandbox.toss.payment import Json

REJECT = "REJECT_CARD_PAYMENT"
CALLS = ("confirm", "lookup", "cancel", "all")

# kind -> what it does, as the admin page says it
API_FAULTS = {
    "timeout_before": "처리하기 전에 응답이 끊깁니다 (결제되지 않음)",
    "timeout_after": "처리한 뒤에 응답이 없습니다 (결제됨)",
    "reset_before": "처리하기 전에 연결을 끊습니다 (결제되지 않음)",
    "reset_after": "처리한 뒤에 연결을 끊습니다 (결제됨)",
    "late": "요청이 N초 늦게 도착합니다 (호출자가 떠나도 처리됨)",
    "slow": "처리에 N초가 걸립니다 (호출자가 떠나도 처리됨)",
    "html_before": "502 HTML로 답합니다 (결제되지 않음)",
    "html_after": "처리한 뒤 502 HTML로 답합니다 (결제됨)",
    "truncated": "처리한 뒤 JSON이 중간에 끊깁니다 (결제됨)",
    "too_many": "429로 답합니다 (결제되지 않음)",
    "reject": "오류 코드로 거절합니다",
    "other_amount": "다른 금액으로 승인합니다 (+100원)",
    "other_order": "다른 주문번호로 답합니다",
    "extra_fields": "문서에 없는 필드와 값을 덧붙입니다",
    "webhook_before_answer": "승인 응답보다 웹훅이 먼저 도착합니다",
}
WEBHOOK_FAULTS = {
    "webhook_first": "결제창에서 돌아가기 전에 웹훅이 먼저 도착합니다",
    "webhook_duplicate": "같은 웹훅을 N번 동시에 보냅니다",
    "webhook_reversed": "웹훅을 다음 웹훅 뒤에 보냅니다 (순서 뒤바뀜)",
    "deposit_error": "입금 직후 입금 오류로 되돌립니다",
}
KINDS = {**API_FAULTS, **WEBHOOK_FAULTS}

# The first confirm of exactly this amount meets the fault, later ones do not: recovery can be watched.
MAGIC_AMOUNTS = {
    990_001: "timeout_before",
    990_002: "timeout_after",
    990_003: "reset_before",
    990_004: "reset_after",
    990_005: "slow",
    990_006: "html_before",
    990_007: "html_after",
    990_008: "truncated",
    990_009: "too_many",
    990_010: "reject",
    990_011: "other_amount",
    990_012: "extra_fields",
    990_013: "webhook_before_answer",
    990_014: "webhook_first",
    990_015: "webhook_duplicate",
    990_016: "webhook_reversed",
    990_017: "deposit_error",
    990_018: "other_order",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One ordered fault: for how often and for whom."""

    kind: str
    times: int | None = 1  # None: until taken back
    ratio: float = 1.0
    on: str = "confirm"
    order_id: str | None = None
    amount: int | None = None
    code: str = REJECT
    seconds: float = 5.0
    copies: int = 3


@dataclass(slots=True)
class Faults:
    """The switchboard; faults are asked in the order they were set."""

    active: dict[int, Fault] = field(default_factory=dict)
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    spent: dict[int, int] = field(default_factory=dict)
    met: set[tuple[str, str]] = field(default_factory=set)

    def order(self, fault: Fault) -> int:
        """Order a fault and return its number."""
        number = next(iter(self.numbers))
        self.active[number] = fault
        return number

    def take_back(self, number: int | None = None) -> None:
        """Withdraw one fault, or all of them."""
        for each in [number] if number else list(self.active):
            self.active.pop(each, None)

    def for_call(self, call: str, order_id: str | None, amount: int | None, payment_key: str) -> Fault | None:
        """Return the fault this API call must meet, if any."""
        for number, fault in list(self.active.items()):
            meant = fault.kind in API_FAULTS and fault.on in {call, "all"} and _fits(fault, order_id, amount)
            if meant and self._spend(number, fault):
                return fault
        if call != "confirm":
            return None
        return self._magic(set(API_FAULTS), amount, payment_key)

    def for_webhook(self, kind: str, order_id: str, amount: int, payment_key: str) -> Fault | None:
        """Return the webhook fault of this kind that this payment must meet, if any."""
        for number, fault in list(self.active.items()):
            if fault.kind == kind and _fits(fault, order_id, amount) and self._spend(number, fault):
                return fault
        return self._magic({kind}, amount, payment_key)

    def listed(self) -> list[Json]:
        """List the faults still to come."""
        return [{"id": number, **asdict(fault)} for number, fault in self.active.items()]

    def _spend(self, number: int, fault: Fault) -> bool:
        """Whether it is this one's turn; when not, the next one is asked."""
        if fault.ratio < 1 and secrets.randbelow(1_000_000) >= fault.ratio * 1_000_000:
            return False
        self.spent[number] = self.spent.get(number, 0) + 1
        if fault.times is not None and self.spent[number] >= fault.times:
            self.active.pop(number, None)
        return True

    def _magic(self, kinds: set[str], amount: int | None, payment_key: str) -> Fault | None:
        kind = MAGIC_AMOUNTS.get(amount or 0)
        if kind not in kinds or (kind, payment_key) in self.met:
            return None
        self.met.add((kind, payment_key))
        return Fault(kind)


def read_fault(asked: Json) -> Fault:
    """Make a fault of an admin request; ValueError says in Korean what is wrong with it."""
    match = asked.get("match")
    flat = {**asked, **match} if isinstance(match, dict) else asked
    kind, on = str(flat.get("fault", "")), str(flat.get("on") or "confirm")
    if kind not in KINDS or on not in CALLS:
        raise ValueError("알 수 없는 오류 종류입니다.")
    try:
        return Fault(
            kind=kind,
            times=_number(flat, "times") if flat.get("times") or not flat.get("ratio") else None,
            ratio=float(str(flat.get("ratio") or 1.0)),
            on=on,
            order_id=str(flat["orderId"]) if flat.get("orderId") else None,
            amount=_number(flat, "amount") if flat.get("amount") else None,
            code=str(flat.get("code") or REJECT),
            seconds=float(str(flat.get("seconds") or 5)),
            copies=_number(flat, "copies") if flat.get("copies") else 3,
        )
    except (ValueError, OverflowError):
        raise ValueError("숫자를 확인해 주세요.") from None


def _number(flat: Json, name: str) -> int:
    return int(str(flat.get(name) or 1))


def _fits(fault: Fault, order_id: str | None, amount: int | None) -> bool:
    return fault.order_id in {None, order_id} and fault.amount in {None, amount}
