"""Attempts to pay, what Toss said of them, refunds, and webhooks as they came."""

from sqlalchemy import Column, ForeignKey, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from app.models.base import TABLE, Id, Moment, Won, created_at, key_column, metadata, state, updated_at

web_payments = Table(
    "web_payments",
    metadata,
    key_column("web_payment_id", "결제 시도 번호"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=True, comment="회원 번호, 비회원은 NULL"),
    Column("signup_id", String(15), nullable=True, comment="로그인 아이디, 비회원은 NULL"),
    Column("total_quantity", Integer, nullable=False, comment="총 수량"),
    Column("total_price", Won, nullable=False, comment="결제할 금액 (원)"),
    Column("customer_name", String(255), nullable=False, comment="주문자 이름"),
    Column("customer_phone", String(11), nullable=False, comment="주문자 전화번호"),
    state(
        "payment_status",
        "PENDING 보류, CONFIRMING 결제 확인 중, WAITING_FOR_DEPOSIT 입금 대기, PAID 결제 성공, "
        "FAILED 결제 실패, CANCELED 결제 취소, PARTIAL_CANCELED 부분 취소, EXPIRED 만료, REVIEW 확인 필요",
    ),
    Column("order_id", Id, ForeignKey("orders.order_id"), nullable=False, comment="주문 번호(내부)"),
    Column("payment_no", String(64), nullable=False, comment="토스에 주는 orderId, 시도마다 하나"),
    Column("payment_key", String(200), nullable=True, comment="토스의 paymentKey"),
    Column("idempotency_key", String(64), nullable=True, comment="승인 요청의 멱등키"),
    Column("failure_code", String(64), nullable=True, comment="실패한 까닭의 코드"),
    Column("open_slot", SmallInteger, nullable=True, comment="열린 시도는 1, 끝난 시도는 NULL"),
    Column("confirming_at", Moment, nullable=True, comment="승인을 요청하기로 한 때 (UTC)"),
    Column("next_check_at", Moment, nullable=True, comment="대사 작업이 다시 물을 때 (UTC)"),
    Column("checks", Integer, nullable=False, comment="대사 작업이 물은 횟수"),
    created_at(),
    updated_at(),
    UniqueConstraint("payment_no"),
    UniqueConstraint("payment_key"),
    # At most one open attempt per order.
    UniqueConstraint("order_id", "open_slot"),
    # Decided attempts have no next check: the reconciliation reads only the few that are due.
    Index(None, "next_check_at"),
    comment="결제 시도",
    **TABLE,
)

toss_payments = Table(
    "toss_payments",
    metadata,
    key_column("toss_payment_id", "토스 결제 번호"),
    Column("payment_method", String(32), nullable=True, comment="결제 수단, 토스의 말 그대로"),
    Column("currency", String(3), nullable=False, comment="통화"),
    Column("total_price", Won, nullable=False, comment="주문 금액 (원)"),
    Column("total_amount", Won, nullable=False, comment="토스가 승인한 금액 (원)"),
    Column("customer_name", String(255), nullable=False, comment="주문자 이름"),
    Column("customer_phone", String(11), nullable=False, comment="주문자 전화번호"),
    Column("discount", Won, nullable=False, comment="카드사 즉시 할인 (원)"),
    Column("payment_time", Moment, nullable=True, comment="승인된 때 (UTC)"),
    Column(
        "web_payment_id", Id, ForeignKey("web_payments.web_payment_id"), nullable=False, comment="결제 시도"
    ),
    Column("payment_key", String(200), nullable=False, comment="토스의 paymentKey"),
    Column("status", String(32), nullable=False, comment="토스가 말한 상태"),
    Column("secret", String(64), nullable=True, comment="웹훅 확인 값"),
    Column("receipt_url", String(500), nullable=True, comment="토스 영수증 주소"),
    Column("account_bank", String(8), nullable=True, comment="가상계좌 은행 코드"),
    Column("account_number", String(32), nullable=True, comment="가상계좌 번호"),
    Column("account_holder", String(255), nullable=True, comment="가상계좌 예금주"),
    Column("account_due_at", Moment, nullable=True, comment="입금 기한 (UTC)"),
    Column("balance_amount", Won, nullable=False, comment="취소할 수 있는 남은 금액 (원)"),
    Column("refunded_amount", Won, nullable=False, comment="환불한 금액 (원)"),
    Column("answer", Text, nullable=False, comment="토스의 대답 전체, JSON"),
    created_at(),
    updated_at(),
    Column("promised_amount", Won, nullable=True, comment="환불하기로 했거나 환불한 금액 (원), 없으면 NULL"),
    UniqueConstraint("web_payment_id"),
    UniqueConstraint("payment_key"),
    comment="토스 결제",
    **TABLE,
)

refunds = Table(
    "refunds",
    metadata,
    Column("refund_id", String(64), primary_key=True, comment="환불 번호이자 멱등키"),
    Column(
        "web_payment_id", Id, ForeignKey("web_payments.web_payment_id"), nullable=False, comment="결제 시도"
    ),
    Column("amount", Won, nullable=False, comment="환불할 금액 (원)"),
    Column("reason", String(200), nullable=False, comment="까닭"),
    state("status", "REQUESTED, DONE, REFUSED"),
    Column("failure_code", String(64), nullable=True, comment="거절된 까닭의 코드"),
    created_at(),
    updated_at(),
    Column("idempotency_key", String(80), nullable=True, comment="취소 요청의 멱등키, NULL이면 환불 번호"),
    Column("account", String(500), nullable=True, comment="돌려받을 계좌, JSON, 환불이 결정되면 지움"),
    Column("requested_by", Id, nullable=True, comment="환불을 요청한 운영자의 회원 번호"),
    Column("transaction_key", String(64), nullable=True, comment="토스의 취소 거래 키"),
    Column("canceled_at", Moment, nullable=True, comment="토스가 취소한 때 (UTC)"),
    Column("next_check_at", Moment, nullable=True, comment="대사 작업이 다시 요청할 때 (UTC)"),
    Index(None, "web_payment_id"),
    Index(None, "next_check_at"),
    comment="환불",
    **TABLE,
)

webhook_events = Table(
    "webhook_events",
    metadata,
    key_column("webhook_event_id", "웹훅 번호"),
    Column("fingerprint", String(64), nullable=False, comment="본문의 SHA-256, 같은 것은 한 번"),
    Column("payment_no", String(64), nullable=True, comment="본문이 말한 orderId, 믿지 않음"),
    Column("event_type", String(64), nullable=False, comment="본문이 말한 종류"),
    Column("handled_at", Moment, nullable=True, comment="토스에 다시 물어 처리한 때 (UTC)"),
    created_at(),
    UniqueConstraint("fingerprint"),
    Index(None, "handled_at", "webhook_event_id"),
    comment="받은 웹훅",
    **TABLE,
)

payment_differences = Table(
    "payment_differences",
    metadata,
    key_column("payment_difference_id", "차이 번호"),
    Column("fingerprint", String(64), nullable=False, comment="내용의 SHA-256, 같은 차이는 한 번"),
    Column("day", String(10), nullable=False, comment="비교한 날 (한국)"),
    Column("kind", String(32), nullable=False, comment="차이의 종류"),
    Column("subject", String(200), nullable=False, comment="무엇이 다른지: 결제 번호나 상품 번호"),
    Column("ours", String(100), nullable=False, comment="우리 장부"),
    Column("theirs", String(100), nullable=False, comment="토스의 장부, 또는 재고 원장"),
    Column("resolved_at", Moment, nullable=True, comment="다시 비교했을 때 사라진 때 (UTC)"),
    created_at(),
    UniqueConstraint("fingerprint"),
    Index(None, "day"),
    comment="야간 대조에서 나온 차이",
    **TABLE,
)

payment_comparisons = Table(
    "payment_comparisons",
    metadata,
    Column("day", String(10), primary_key=True, comment="비교한 날 (한국)"),
    Column("differences", Integer, nullable=False, comment="차이의 수"),
    Column("compared_at", Moment, nullable=False, comment="비교한 때 (UTC)"),
    comment="야간 대조를 마친 날",
    **TABLE,
)
