"""What a shopper is told when a payment was refused: what happened, that nothing was paid, what to do."""

from app.core.languages import _, marked

_NO_INSTALMENTS = marked("할부가 되지 않는 카드입니다. 결제되지 않았습니다. 일시불로 다시 시도해 주세요.")
_DEFAULT = marked("결제를 완료하지 못했습니다. 결제되지 않았습니다. 잠시 후 다시 시도해 주세요.")

_SENTENCES = {
    "PAY_PROCESS_CANCELED": marked("결제를 취소하셨습니다. 결제되지 않았습니다."),
    "PAY_PROCESS_ABORTED": marked("결제가 중단되었습니다. 결제되지 않았습니다. 다시 시도해 주세요."),
    "REJECT_CARD_COMPANY": marked(
        "카드사에서 승인을 거절했습니다. "
        "결제되지 않았습니다. 카드사에 문의하시거나 다른 결제 방법을 이용해 주세요."
    ),
    "REJECT_CARD_PAYMENT": marked(
        "카드 한도가 초과되었거나 잔액이 부족합니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "REJECT_ACCOUNT_PAYMENT": marked(
        "계좌 잔액이 부족합니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "REJECT_TOSSPAY_INVALID_ACCOUNT": marked(
        "출금할 수 없는 계좌입니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "INVALID_REJECT_CARD": marked(
        "사용할 수 없는 카드입니다. "
        "결제되지 않았습니다. 카드사에 문의하시거나 다른 결제 방법을 이용해 주세요."
    ),
    "INVALID_STOPPED_CARD": marked("정지된 카드입니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."),
    "INVALID_CARD_LOST_OR_STOLEN": marked(
        "분실 또는 도난 신고된 카드입니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "INVALID_CARD_EXPIRATION": marked(
        "카드 유효기간이 맞지 않습니다. 결제되지 않았습니다. 확인 후 다시 시도해 주세요."
    ),
    "INVALID_CARD_NUMBER": marked(
        "카드번호가 맞지 않습니다. 결제되지 않았습니다. 확인 후 다시 시도해 주세요."
    ),
    "INVALID_PASSWORD": marked(
        "결제 비밀번호가 맞지 않습니다. 결제되지 않았습니다. 확인 후 다시 시도해 주세요."
    ),
    "INVALID_ACCOUNT_INFO_RE_REGISTER": marked(
        "계좌 정보가 맞지 않습니다. 결제되지 않았습니다. 다시 등록해 주세요."
    ),
    "RESTRICTED_TRANSFER_ACCOUNT": marked(
        "계좌 등록 후 12시간이 지나야 이용할 수 있습니다. "
        "결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "NOT_ALLOWED_POINT_USE": marked(
        "카드 포인트를 사용할 수 없습니다. 결제되지 않았습니다. 포인트 없이 다시 시도해 주세요."
    ),
    "EXCEED_MAX_CARD_INSTALLMENT_PLAN": marked(
        "할부 개월 수가 너무 깁니다. 결제되지 않았습니다. 개월 수를 줄여 다시 시도해 주세요."
    ),
    "INVALID_CARD_INSTALLMENT_PLAN": marked(
        "할부 개월 수가 맞지 않습니다. 결제되지 않았습니다. 확인 후 다시 시도해 주세요."
    ),
    "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT": _NO_INSTALMENTS,
    "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN": _NO_INSTALMENTS,
    "BELOW_MINIMUM_AMOUNT": marked("결제할 수 있는 최소 금액보다 적습니다. 결제되지 않았습니다."),
    "EXCEED_MAX_DAILY_PAYMENT_COUNT": marked(
        "하루 결제 횟수를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_PAYMENT_AMOUNT": marked(
        "하루 결제 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_ONE_DAY_AMOUNT": marked(
        "하루 결제 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT": marked(
        "하루 출금 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT": marked(
        "한 번에 출금할 수 있는 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_AMOUNT": marked(
        "결제 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT": marked(
        "이번 달 결제 한도를 넘었습니다. 결제되지 않았습니다. 다른 결제 방법을 이용해 주세요."
    ),
    "EXCEED_MAX_AUTH_COUNT": marked(
        "인증 횟수를 넘었습니다. 결제되지 않았습니다. 카드사나 은행에 문의해 주세요."
    ),
    "NOT_AVAILABLE_PAYMENT": marked(
        "지금은 결제할 수 없는 시간입니다. 결제되지 않았습니다. 잠시 후 다시 시도해 주세요."
    ),
    "NOT_AVAILABLE_BANK": marked("은행 점검 시간입니다. 결제되지 않았습니다. 잠시 후 다시 시도해 주세요."),
    "FDS_ERROR": marked(
        "안전을 위해 결제가 제한되었습니다. 결제되지 않았습니다. 문자로 받으신 안내에 따라 확인해 주세요."
    ),
    "NOT_FOUND_PAYMENT_SESSION": marked(
        "결제 시간이 지났습니다. 결제되지 않았습니다. 처음부터 다시 시도해 주세요."
    ),
    "NOT_FOUND_PAYMENT": marked("결제 시간이 지났습니다. 결제되지 않았습니다. 처음부터 다시 시도해 주세요."),
    "EXPIRED_PAYMENT": marked("결제 시간이 지났습니다. 결제되지 않았습니다. 처음부터 다시 시도해 주세요."),
}


def say(code: str) -> str:
    """Return the sentence for a certain refusal; never ask for one while the outcome is unknown."""
    return _(_SENTENCES.get(code, _DEFAULT))
