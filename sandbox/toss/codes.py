"""Toss's error codes: HTTP status, Korean sentence, and whether the payment dies of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the documented tables."""

    status: int
    message: str
    aborts: bool = False  # the payment becomes ABORTED


_REFUSED = "결제 승인이 거절되었습니다."
_LIMIT = "한도초과 혹은 잔액부족으로 결제에 실패했습니다."
_BUSY = "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요."
_CARD = "카드 정보를 다시 확인해주세요."
_ACCOUNT = "계좌 정보를 다시 확인해주세요."
_NO_CANCEL = "취소할 수 없는 결제 입니다."
_CONFIG = "상점 설정을 확인해주세요."


def _rows(status: int, message: str, names: str, *, aborts: bool = False) -> dict[str, Code]:
    return {name: Code(status, message, aborts) for name in names.split()}


CODES: dict[str, Code] = {
    # The payment is refused and nobody is charged.
    **_rows(400, "할부 조건을 다시 확인해주세요.", aborts=True, names="""
        EXCEED_MAX_CARD_INSTALLMENT_PLAN NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT
        INVALID_CARD_INSTALLMENT_PLAN NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN"""),
    **_rows(400, _CARD, aborts=True, names="""
        INVALID_REJECT_CARD INVALID_CARD_EXPIRATION INVALID_STOPPED_CARD INVALID_CARD_LOST_OR_STOLEN
        INVALID_CARD_NUMBER NOT_ALLOWED_POINT_USE"""),
    **_rows(400, "결제 가능한 한도를 초과했습니다.", aborts=True, names="""
        EXCEED_MAX_DAILY_PAYMENT_COUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT
        EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT EXCEED_MAX_AMOUNT EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT"""),
    **_rows(400, _ACCOUNT, "RESTRICTED_TRANSFER_ACCOUNT INVALID_ACCOUNT_INFO_RE_REGISTER", aborts=True),
    **_rows(400, "결제가 불가능한 시간대입니다.", "NOT_AVAILABLE_PAYMENT", aborts=True),
    **_rows(400, "최소 결제 금액보다 적습니다.", "BELOW_MINIMUM_AMOUNT", aborts=True),
    **_rows(403, _LIMIT, "REJECT_CARD_PAYMENT EXCEED_MAX_ONE_DAY_AMOUNT", aborts=True),
    **_rows(403, "잔액부족으로 결제에 실패했습니다.", "REJECT_ACCOUNT_PAYMENT", aborts=True),
    **_rows(403, _REFUSED, "REJECT_CARD_COMPANY", aborts=True),
    **_rows(403, _ACCOUNT, "REJECT_TOSSPAY_INVALID_ACCOUNT", aborts=True),
    **_rows(403, "최대 인증 횟수를 초과했습니다.", "EXCEED_MAX_AUTH_COUNT", aborts=True),
    **_rows(403, "은행 서비스 시간이 아닙니다.", "NOT_AVAILABLE_BANK", aborts=True),
    **_rows(403, "결제 비밀번호가 일치하지 않습니다.", "INVALID_PASSWORD", aborts=True),
    **_rows(403, "위험거래가 감지되어 결제가 제한됩니다.", "FDS_ERROR", aborts=True),
    # The merchant's own mistakes.
    **_rows(400, "잘못된 요청입니다.", "INVALID_REQUEST"),
    **_rows(400, "잘못된 시크릿키 연동 정보 입니다.", "INVALID_API_KEY"),
    **_rows(400, _CONFIG, "NOT_FOUND_TERMINAL_ID INVALID_AUTHORIZE_AUTH"),
    **_rows(400, _CONFIG, "INVALID_UNREGISTERED_SUBMALL NOT_REGISTERED_BUSINESS"),
    **_rows(400, "멱등키는 300자 이하여야 합니다.", "INVALID_IDEMPOTENCY_KEY"),
    **_rows(400, "날짜 형식을 확인해주세요.", "INVALID_DATE"),
    **_rows(401, "인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.", "UNAUTHORIZED_KEY"),
    **_rows(403, "허용되지 않은 요청입니다.", "FORBIDDEN_REQUEST"),
    **_rows(403, "잘못된 요청입니다. ':' 를 포함해 인코딩해주세요.", "INCORRECT_BASIC_AUTH_FORMAT"),
    # Done or being done already.
    **_rows(400, "이미 처리된 결제 입니다.", "ALREADY_PROCESSED_PAYMENT"),
    **_rows(400, "이미 처리 중인 요청입니다.", "ALREADY_PROCESSING_REQUEST"),
    **_rows(400, "이미 승인 및 취소가 진행된 중복된 주문번호 입니다.", "DUPLICATED_ORDER_ID"),
    **_rows(400, "이미 취소된 결제 입니다.", "ALREADY_CANCELED_PAYMENT"),
    **_rows(400, "이미 환불된 결제 입니다.", "ALREADY_REFUND_PAYMENT"),
    **_rows(400, "잔액 정보가 일치하지 않습니다.", "NOT_MATCHES_REFUNDABLE_AMOUNT"),
    **_rows(409, "이전 멱등 요청이 처리중입니다.", "IDEMPOTENT_REQUEST_PROCESSING"),
    # Nobody knows.
    **_rows(400, _BUSY, "PROVIDER_ERROR"),
    **_rows(400, "카드사에서 오류가 발생했습니다.", "CARD_PROCESSING_ERROR"),
    **_rows(400, "아직 승인되지 않은 주문번호입니다.", "UNAPPROVED_ORDER_ID"),
    **_rows(403, "반복적인 요청은 허용되지 않습니다.", "FORBIDDEN_CONSECUTIVE_REQUEST"),
    **_rows(500, "결제가 완료되지 않았어요. 다시 시도해주세요.", "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING"),
    **_rows(500, "내부 시스템 처리 작업이 실패했습니다. 잠시 후 다시 시도해주세요.",
            "FAILED_INTERNAL_SYSTEM_PROCESSING"),
    **_rows(500, "결제에 실패했어요. 같은 문제가 반복된다면 은행이나 카드사로 문의해주세요.",
            "UNKNOWN_PAYMENT_ERROR"),
    **_rows(500, _BUSY, "COMMON_ERROR"),
    # Looking up and canceling.
    **_rows(404, "존재하지 않는 결제 정보 입니다.", "NOT_FOUND_PAYMENT"),
    **_rows(404, "존재하지 않는 정보 입니다.", "NOT_FOUND"),
    **_rows(404, "결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다.", "NOT_FOUND_PAYMENT_SESSION"),
    **_rows(400, "5만원 이하는 할부 불가합니다.", "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT"),
    **_rows(400, "환불 계좌를 다시 확인해주세요.",
            "INVALID_REFUND_ACCOUNT_INFO INVALID_REFUND_ACCOUNT_NUMBER INVALID_BANK"),
    **_rows(400, "할인금액보다 적은 금액은 취소할 수 없습니다.", "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT"),
    **_rows(400, "환불이 거절되었습니다.", "REFUND_REJECTED FORBIDDEN_BANK_REFUND_REQUEST"),
    **_rows(403, "취소 할 수 없는 금액 입니다.", "NOT_CANCELABLE_AMOUNT EXCEED_CANCEL_LIMIT"),
    **_rows(403, _NO_CANCEL, "NOT_CANCELABLE_PAYMENT NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER"),
    **_rows(403, "환불 가능한 기간이 지났습니다.", "EXCEED_MAX_REFUND_DUE"),
    **_rows(403, "입금 대기 중에는 부분 환불이 불가합니다.", "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"),
    **_rows(403, "부분 환불이 불가한 결제입니다.", "NOT_ALLOWED_PARTIAL_REFUND"),
    **_rows(500, "환불에 실패했습니다.",
            "FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL FAILED_PARTIAL_REFUND"),
    # What the payment window says.
    **_rows(400, "사용자에 의해 결제가 취소되었습니다.", "PAY_PROCESS_CANCELED"),
    **_rows(400, "결제 진행 중 승인에 실패하여 결제가 중단되었습니다.", "PAY_PROCESS_ABORTED"),
    **_rows(400, "결제가 만료되었습니다. 다시 시도해주세요.", "EXPIRED_PAYMENT"),
}  # fmt: skip


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """An error answer of the API, thrown from wherever it is decided."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sentence(code: str, language: str = "") -> str:
    """Return the message beside a code; Toss's English wording is not documented, so ours is plain."""
    if language.lower().startswith("en"):
        return code.replace("_", " ").capitalize() + "."
    return CODES[code].message if code in CODES else "알 수 없는 오류입니다."
