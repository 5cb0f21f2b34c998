"""An order as the shopper sees it, with how it stands with its payment."""

from dataclasses import dataclass
from datetime import datetime

from app.core.languages import marked
from app.orders import states
from app.orders.order import Order, OrderLine

# How an attempt to pay stands, where that says more than the order's own state.
CONFIRMING = "CONFIRMING"
REVIEW = "REVIEW"
UNDECIDED = {CONFIRMING: marked("결제 확인 중"), REVIEW: marked("결제 확인 필요")}


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """Where a deposit is awaited."""

    bank: str
    account_number: str
    holder: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class CashReceipt:
    """How a payment in cash was told to the tax office; ``kind`` is '' when it was not."""

    kind: str
    issue_number: str
    url: str


@dataclass(frozen=True, slots=True)
class PaymentView:
    """The attempt to pay that matters now; ``failure`` is a sentence about the last one that failed."""

    payment_no: str
    status: str
    status_label: str
    method: str
    currency: str
    total_amount: int
    discount: int
    supplied_amount: int | None
    vat: int | None
    approved_at: datetime | None
    card_issuer: str
    card_number: str
    easy_pay: str
    receipt_url: str
    account: VirtualAccount | None
    failure: str
    refunded_amount: int
    approve_no: str = ""
    installment_months: int = 0
    cash_receipt: CashReceipt | None = None  # None: nothing that the tax office would be told of


@dataclass(frozen=True, slots=True)
class OrderView:
    """All that an order's pages show."""

    order_no: str
    status: str
    status_label: str
    created_at: datetime
    paid_at: datetime | None
    expires_at: datetime
    lines: tuple[OrderLine, ...]
    total_quantity: int
    items_price: int
    delivery_fee: int
    total_price: int
    recipient_name: str
    recipient_phone: str
    postcode: str
    address1: str
    address2: str
    delivery_note: str
    can_pay: bool
    can_cancel: bool
    payment: PaymentView | None


def show(order: Order, payment: PaymentView | None) -> OrderView:
    """Put an order and its payment on one page."""
    attempt = payment.status if payment else ""
    label = UNDECIDED.get(attempt, states.LABELS[order.status])
    waiting = (order.status, attempt) == (states.WAITING_FOR_DEPOSIT, states.WAITING_FOR_DEPOSIT)
    payable = (order.status, attempt) == (states.PENDING, states.PENDING)
    to = order.recipient
    return OrderView(
        order_no=order.order_no,
        status=order.status,
        status_label=label,
        created_at=order.created_at,
        paid_at=order.paid_at,
        expires_at=order.expires_at,
        lines=order.lines,
        total_quantity=order.total_quantity,
        items_price=order.items_price,
        delivery_fee=order.delivery_fee,
        total_price=order.total_price,
        recipient_name=to.recipient_name,
        recipient_phone=to.recipient_phone,
        postcode=to.postcode,
        address1=to.address1,
        address2=to.address2,
        delivery_note=to.delivery_note,
        can_pay=payable,
        can_cancel=payable or waiting,
        payment=payment,
    )
