"""One payment as the sandbox keeps it, and as Toss's API writes it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

METHODS = {"CARD": "카드", "VIRTUAL_ACCOUNT": "가상계좌", "TOSSPAY": "간편결제", "TRANSFER": "계좌이체"}
LABELS = {**METHODS, "TOSSPAY": "토스페이"}
BANK_KB = "06"
CARD_ISSUER_KB = "11"
CARD_NUMBER = "94354200****123*"
DEPOSIT_DAYS = 7

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the widget asked for when the buyer pressed the pay button."""

    order_id: str
    order_name: str
    amount: int
    method: str
    success_url: str
    fail_url: str
    customer_name: str
    metadata: Json | None
    origin: str  # the sandbox's own address as the buyer's browser sees it


@dataclass(slots=True)
class Account:
    """A virtual account waiting for its deposit."""

    number: str
    due: datetime
    depositor: str | None = None
    refund: Json | None = None


@dataclass(slots=True)
class Payment:
    """A payment and where it stands; only the ledger moves it."""

    payment_key: str
    wish: Wish
    total: int
    balance: int
    secret: str
    requested_at: datetime
    status: str = "READY"
    authenticated_at: datetime | None = None
    approved_at: datetime | None = None
    last_transaction_key: str | None = None
    account: Account | None = None
    cancels: list[Json] = field(default_factory=list)
    failure: Json | None = None
    confirming: bool = False


def iso(at: datetime | None) -> str | None:
    """Write a time as the API does, with +09:00."""
    return at.isoformat(timespec="seconds") if at else None


def vat_of(amount: int) -> int:
    """Return the tax inside an amount: one eleventh, rounded."""
    return round(amount / 11)


def issue_account(number: str, now: datetime) -> Account:
    """Open a virtual account that waits a week."""
    return Account(number, now + timedelta(days=DEPOSIT_DAYS))


def body_of(payment: Payment, now: datetime) -> Json:
    """Write the Payment object with every key, in the order real answers have."""
    wish, key = payment.wish, payment.payment_key
    tried = payment.authenticated_at is not None
    method = wish.method if tried else None
    vat = vat_of(payment.balance)
    receipt = {"url": f"{wish.origin}/sandbox/receipts/{key}"} if payment.approved_at else None
    return {
        "mId": "tgen_docs",
        "lastTransactionKey": payment.last_transaction_key,
        "paymentKey": key,
        "orderId": wish.order_id,
        "orderName": wish.order_name,
        "taxExemptionAmount": 0,
        "status": payment.status,
        "requestedAt": iso(payment.requested_at),
        "approvedAt": iso(payment.approved_at),
        "useEscrow": False,
        "cultureExpense": False,
        "card": _card(payment) if method in {"CARD", "TOSSPAY"} else None,
        "virtualAccount": _virtual_account(payment, now) if payment.account else None,
        "transfer": _transfer(payment) if method == "TRANSFER" else None,
        "mobilePhone": None,
        "giftCertificate": None,
        "cashReceipt": None,
        "cashReceipts": None,
        "discount": None,
        "cancels": payment.cancels or None,
        "secret": payment.secret,
        "type": "NORMAL",
        "easyPay": {"provider": "토스페이", "amount": 0, "discountAmount": 0}
        if method == "TOSSPAY"
        else None,
        "country": "KR",
        "failure": payment.failure,
        "isPartialCancelable": True,
        "receipt": receipt,
        "checkout": {"url": f"{wish.origin}/sandbox/window/{key}"},
        "currency": "KRW",
        "totalAmount": payment.total,
        "balanceAmount": payment.balance,
        "suppliedAmount": payment.balance - vat,
        "vat": vat,
        "taxFreeAmount": 0,
        "method": METHODS[method] if method else None,
        "version": "2022-11-16",
        "metadata": wish.metadata,
    }


def _card(payment: Payment) -> Json:
    canceled = payment.status in {"CANCELED", "PARTIAL_CANCELED"}
    return {
        "issuerCode": CARD_ISSUER_KB,
        "acquirerCode": CARD_ISSUER_KB,
        "number": CARD_NUMBER,
        "installmentPlanMonths": 0,
        "isInterestFree": False,
        "interestPayer": None,
        "approveNo": "00000000",
        "useCardPoint": False,
        "cardType": "신용",
        "ownerType": "개인",
        "acquireStatus": "CANCELED" if canceled else "READY",
        "amount": payment.total,
    }


def _transfer(payment: Payment) -> Json:
    return {"bankCode": BANK_KB, "settlementStatus": "COMPLETED" if payment.approved_at else "INCOMPLETED"}


def _virtual_account(payment: Payment, now: datetime) -> Json:
    account = payment.account
    if account is None:
        return {}
    refunded = bool(payment.cancels) and payment.approved_at is not None
    return {
        "accountType": "일반",
        "accountNumber": account.number,
        "bankCode": BANK_KB,
        "customerName": payment.wish.customer_name,
        "depositorName": account.depositor,
        "dueDate": iso(account.due),
        "refundStatus": "COMPLETED" if refunded else "NONE",
        "expired": now > account.due and payment.approved_at is None,
        "settlementStatus": "COMPLETED" if payment.approved_at else "INCOMPLETED",
        "refundReceiveAccount": account.refund,
    }
