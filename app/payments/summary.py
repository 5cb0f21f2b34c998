"""How an order stands with its payment, for the order's pages; pure."""

from collections.abc import Sequence

from app.orders.view import CashReceipt, PaymentView, VirtualAccount
from app.payments import institutions, outcome, states
from app.payments.attempt import DEPOSIT_REVERSED, Attempt
from app.payments.payment import Json, MalformedPaymentError, TossPayment, read_payment

# What a shopper must know first: money that is there, then money that may be.
TELLING = (states.PAID, states.PARTIAL_CANCELED, states.REVIEW, states.CONFIRMING, states.WAITING_FOR_DEPOSIT)

IN_CASH = ("가상계좌", "계좌이체")  # methods as Toss calls them; a card's slip is told by its issuer

Known = tuple[Attempt, Json | None]


def summarize(newest_first: Sequence[Known]) -> PaymentView | None:
    """Return the attempt that matters, with the newest failure beside it."""
    if not newest_first:
        return None
    attempt, answer = _choose(newest_first)
    return _view(attempt, _read(answer), _failure(attempt, newest_first))


def _choose(newest_first: Sequence[Known]) -> Known:
    for status in TELLING:
        for known in newest_first:
            if known[0].status == status:
                return known
    return newest_first[0]


def _failure(attempt: Attempt, newest_first: Sequence[Known]) -> str:
    if attempt.status in {states.FAILED, states.CANCELED} or attempt.failure_code == DEPOSIT_REVERSED:
        return outcome.explain_failure(attempt.failure_code)
    if attempt.status == states.PENDING:
        failed = (known for known, _ in newest_first if known.status == states.FAILED)
        last = next(failed, None)
        return outcome.explain_failure(last.failure_code) if last else ""
    return ""


def _read(answer: Json | None) -> TossPayment | None:
    try:
        return read_payment(answer) if answer else None
    except MalformedPaymentError:
        return None


def _view(attempt: Attempt, payment: TossPayment | None, failure: str) -> PaymentView:
    card = payment.card if payment else None
    return PaymentView(
        payment_no=attempt.payment_no,
        status=attempt.status,
        status_label=states.LABELS[attempt.status],
        method=(payment.method if payment else None) or "",
        currency=payment.currency if payment else "KRW",
        total_amount=payment.total_amount if payment else attempt.total_price,
        discount=payment.discount if payment else 0,
        supplied_amount=payment.supplied_amount if payment else None,
        vat=payment.vat if payment else None,
        approved_at=payment.approved_at if payment else None,
        card_issuer=institutions.card_name(card.issuer_code) if card else "",
        card_number=(card.number if card else None) or "",
        easy_pay=(payment.easy_pay_provider if payment else None) or "",
        receipt_url=(payment.receipt_url if payment else None) or "",
        account=_account(attempt, payment),
        failure=failure,
        refunded_amount=payment.returned_amount if payment and payment.approved_at else 0,
        approve_no=(card.approve_no if card else None) or "",
        installment_months=(card.installment_months if card else None) or 0,
        cash_receipt=_cash_receipt(payment),
    )


def _cash_receipt(payment: TossPayment | None) -> CashReceipt | None:
    if payment is None or payment.method not in IN_CASH:
        return None
    told = payment.cash_receipt
    return CashReceipt(told.kind, told.issue_number, told.url or "") if told else CashReceipt("", "", "")


def _account(attempt: Attempt, payment: TossPayment | None) -> VirtualAccount | None:
    account = payment.account if payment else None
    if account is None or attempt.status != states.WAITING_FOR_DEPOSIT:
        return None
    return VirtualAccount(
        bank=institutions.bank_name(account.bank_code),
        account_number=account.account_number or "",
        holder=account.customer_name or "",
        due_at=account.due_at,
    )
