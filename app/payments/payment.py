"""A payment as Toss reports it: the fields we need, read strictly where money hangs on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_WON = 10**12  # a trillion won is not a price
KEY_LENGTH = 200

Json = dict[str, object]


class MalformedPaymentError(Exception):
    """The answer is no Payment object we could act on; the message names the field, never its value."""


@dataclass(frozen=True, slots=True)
class CardPaid:
    """Which card paid."""

    issuer_code: str | None
    number: str | None  # masked by Toss
    approve_no: str | None
    installment_months: int | None


@dataclass(frozen=True, slots=True)
class DepositAccount:
    """Where a buyer sends the money of a virtual-account payment."""

    bank_code: str | None
    account_number: str | None
    customer_name: str | None
    due_at: datetime | None
    expired: bool


@dataclass(frozen=True, slots=True)
class CashReceipt:
    """What the tax office was told of a payment in cash: 소득공제 or 지출증빙, and its number."""

    kind: str
    issue_number: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Money that went back, the whole or a part; ``reason`` is what the merchant wrote."""

    transaction_key: str
    amount: int
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One line of Toss's books; what it did to the payment is asked of the payment."""

    transaction_key: str
    payment_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TossPayment:
    """The Payment object, as far as the shop uses it; times are naive UTC, amounts whole won."""

    payment_key: str
    order_id: str
    status: str
    method: str | None
    currency: str
    total_amount: int
    balance_amount: int
    supplied_amount: int | None
    vat: int | None
    discount: int
    approved_at: datetime | None
    receipt_url: str | None
    secret: str | None
    card: CardPaid | None
    account: DepositAccount | None
    easy_pay_provider: str | None
    raw: Json
    cancellations: tuple[Cancellation, ...] = ()
    cash_receipt: CashReceipt | None = None

    @property
    def returned_amount(self) -> int:
        """What has gone back to the buyer."""
        return self.total_amount - self.balance_amount


def read_payment(body: object) -> TossPayment:
    """Read a Payment object: unknown fields pass, a wrong type where money hangs on it does not."""
    if not isinstance(body, dict):
        raise MalformedPaymentError("not an object")
    discount, easy_pay, receipt = _part(body, "discount"), _part(body, "easyPay"), _part(body, "receipt")
    approved_at = _time(body.get("approvedAt"))
    if body.get("approvedAt") is not None and approved_at is None:
        raise MalformedPaymentError("approvedAt")
    return TossPayment(
        payment_key=_needed_text(body, "paymentKey", KEY_LENGTH),
        order_id=_needed_text(body, "orderId", 64),
        status=_needed_text(body, "status", 30),
        method=_text(body.get("method"), 30),
        currency=_needed_text(body, "currency", 3),
        total_amount=_needed_won(body, "totalAmount"),
        balance_amount=_needed_won(body, "balanceAmount"),
        supplied_amount=_won(body.get("suppliedAmount")),
        vat=_won(body.get("vat")),
        discount=_won(discount.get("amount")) or 0,
        approved_at=approved_at,
        receipt_url=_url(receipt.get("url")),
        secret=_text(body.get("secret"), 50),
        card=_card(_part(body, "card")),
        account=_account(_part(body, "virtualAccount")),
        easy_pay_provider=_text(easy_pay.get("provider"), 30),
        raw=body,
        cancellations=tuple(_cancellations(body.get("cancels"))),
        cash_receipt=_cash_receipt(_part(body, "cashReceipt")),
    )


def read_transactions(body: object) -> list[Transaction]:
    """Read a page of transactions."""
    if not isinstance(body, list):
        raise MalformedPaymentError("not a list")
    return [_transaction(row) for row in body]


def _transaction(row: object) -> Transaction:
    if not isinstance(row, dict):
        raise MalformedPaymentError("not an object")
    at = _time(row.get("transactionAt"))
    if at is None:
        raise MalformedPaymentError("transactionAt")
    key = _needed_text(row, "transactionKey", 64)
    return Transaction(key, _needed_text(row, "paymentKey", KEY_LENGTH), at)


def _cancellations(rows: object) -> Iterator[Cancellation]:
    """Yield what has gone back; one that is still on its way, or cannot be read, has not."""
    for row in rows if isinstance(rows, list) else []:
        amount = _won(row.get("cancelAmount")) if isinstance(row, dict) else None
        if amount is None or row.get("cancelStatus", "DONE") != "DONE":
            continue
        key, reason = _text(row.get("transactionKey"), 64), _text(row.get("cancelReason"), 200)
        yield Cancellation(key or "", amount, reason or "", _time(row.get("canceledAt")))


def _card(part: Json) -> CardPaid | None:
    if not part:
        return None
    return CardPaid(
        issuer_code=_text(part.get("issuerCode"), 10),
        number=_text(part.get("number"), 20),
        approve_no=_text(part.get("approveNo"), 8),
        installment_months=_won(part.get("installmentPlanMonths")),
    )


def _cash_receipt(part: Json) -> CashReceipt | None:
    kind = _text(part.get("type"), 10)
    if not kind:
        return None
    return CashReceipt(kind, _text(part.get("issueNumber"), 9) or "", _url(part.get("receiptUrl")))


def _account(part: Json) -> DepositAccount | None:
    if not part:
        return None
    return DepositAccount(
        bank_code=_text(part.get("bankCode"), 10),
        account_number=_text(part.get("accountNumber"), 20),
        customer_name=_text(part.get("customerName"), 100),
        due_at=_time(part.get("dueDate")),
        expired=part.get("expired") is True,
    )


def _part(body: Json, name: str) -> Json:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _needed_text(body: Json, name: str, longest: int) -> str:
    text = _text(body.get(name), longest)
    if not text:
        raise MalformedPaymentError(name)
    return text


def _needed_won(body: Json, name: str) -> int:
    won = _won(body.get(name))
    if won is None:
        raise MalformedPaymentError(name)
    return won


def _text(value: object, longest: int) -> str | None:
    """Return text that a column can hold: no control characters, no half surrogates, not too long."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return None
    return value


def _won(value: object) -> int | None:
    """Return a whole, sensible amount; JSON knows no integers, so 1000.0 is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_WON:
        return None
    return int(value) if value == int(value) else None


def _time(value: object) -> datetime | None:
    """Return a moment as naive UTC; without its zone it would be a guess."""
    text = _text(value, 40)
    try:
        at = datetime.fromisoformat(text) if text else None
        return at.astimezone(UTC).replace(tzinfo=None) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _url(value: object) -> str | None:
    text = _text(value, 500)
    return text if text and text.startswith(("https://", "http://")) else None
