"""What a shopper is told when a payment was refused: what happened, that nothing was paid, what to do."""

_NOT_PAID = "결제되지 않았습니다."
_OTHER = "다른 결제 방법을 이용해 주세요."
_AGAIN = "다시 시도해 주세요."
_NO_INSTALMENTS = f"할부가 되지 않는 카드입니다. {_NOT_PAID} 일시불로 {_AGAIN}"
_DEFAULT = f"결제를 완료하지 못했습니다. {_NOT_PAID} 잠시 후 {_AGAIN}"

_SENTENCES = {
    "PAY_PROCESS_CANCELED": f"결제를 취소하셨습니다. {_NOT_PAID}",
    "PAY_PROCESS_ABORTED": f"결제가 중단되었습니다. {_NOT_PAID} {_AGAIN}",
    "REJECT_CARD_COMPANY": f"카드사에서 승인을 거절했습니다. {_NOT_PAID} 카드사에 문의하시거나 {_OTHER}",
    "REJECT_CARD_PAYMENT": f"카드 한도가 초과되었거나 잔액이 부족합니다. {_NOT_PAID} {_OTHER}",
    "REJECT_ACCOUNT_PAYMENT": f"계좌 잔액이 부족합니다. {_NOT_PAID} {_OTHER}",
    "REJECT_TOSSPAY_INVALID_ACCOUNT": f"출금할 수 없는 계좌입니다. {_NOT_PAID} {_OTHER}",
    "INVALID_REJECT_CARD": f"사용할 수 없는 카드입니다. {_NOT_PAID} 카드사에 문의하시거나 {_OTHER}",
    "INVALID_STOPPED_CARD": f"정지된 카드입니다. {_NOT_PAID} {_OTHER}",
    "INVALID_CARD_LOST_OR_STOLEN": f"분실 또는 도난 신고된 카드입니다. {_NOT_PAID} {_OTHER}",
    "INVALID_CARD_EXPIRATION": f"카드 유효기간이 맞지 않습니다. {_NOT_PAID} 확인 후 {_AGAIN}",
    "INVALID_CARD_NUMBER": f"카드번호가 맞지 않습니다. {_NOT_PAID} 확인 후 {_AGAIN}",
    "INVALID_PASSWORD": f"결제 비밀번호가 맞지 않습니다. {_NOT_PAID} 확인 후 {_AGAIN}",
    "INVALID_ACCOUNT_INFO_RE_REGISTER": f"계좌 정보가 맞지 않습니다. {_NOT_PAID} 다시 등록해 주세요.",
    "RESTRICTED_TRANSFER_ACCOUNT": f"계좌 등록 후 12시간이 지나야 이용할 수 있습니다. {_NOT_PAID} {_OTHER}",
    "NOT_ALLOWED_POINT_USE": f"카드 포인트를 사용할 수 없습니다. {_NOT_PAID} 포인트 없이 {_AGAIN}",
    "EXCEED_MAX_CARD_INSTALLMENT_PLAN": f"할부 개월 수가 너무 깁니다. {_NOT_PAID} 개월 수를 줄여 {_AGAIN}",
    "INVALID_CARD_INSTALLMENT_PLAN": f"할부 개월 수가 맞지 않습니다. {_NOT_PAID} 확인 후 {_AGAIN}",
    "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT": _NO_INSTALMENTS,
    "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN": _NO_INSTALMENTS,
    "BELOW_MINIMUM_AMOUNT": f"결제할 수 있는 최소 금액보다 적습니다. {_NOT_PAID}",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT": f"하루 결제 횟수를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_PAYMENT_AMOUNT": f"하루 결제 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_ONE_DAY_AMOUNT": f"하루 결제 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT": f"하루 출금 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT": f"한 번에 출금할 수 있는 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_AMOUNT": f"결제 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT": f"이번 달 결제 한도를 넘었습니다. {_NOT_PAID} {_OTHER}",
    "EXCEED_MAX_AUTH_COUNT": f"인증 횟수를 넘었습니다. {_NOT_PAID} 카드사나 은행에 문의해 주세요.",
    "NOT_AVAILABLE_PAYMENT": f"지금은 결제할 수 없는 시간입니다. {_NOT_PAID} 잠시 후 {_AGAIN}",
    "NOT_AVAILABLE_BANK": f"은행 점검 시간입니다. {_NOT_PAID} 잠시 후 {_AGAIN}",
    "FDS_ERROR": f"안전을 위해 결제가 제한되었습니다. {_NOT_PAID} 문자로 받으신 안내에 따라 확인해 주세요.",
    "NOT_FOUND_PAYMENT_SESSION": f"결제 시간이 지났습니다. {_NOT_PAID} 처음부터 {_AGAIN}",
    "NOT_FOUND_PAYMENT": f"결제 시간이 지났습니다. {_NOT_PAID} 처음부터 {_AGAIN}",
    "EXPIRED_PAYMENT": f"결제 시간이 지났습니다. {_NOT_PAID} 처음부터 {_AGAIN}",
}


def say(code: str) -> str:
    """Return the sentence for a certain refusal; never ask for one while the outcome is unknown."""
    return _SENTENCES.get(code, _DEFAULT)
