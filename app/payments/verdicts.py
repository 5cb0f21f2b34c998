"""What each of Toss's error codes means for the money: one table, by code and call, never by HTTP status."""

from enum import Enum
from typing import Literal

Call = Literal["confirm", "lookup", "cancel"]


class Verdict(Enum):
    """What is known after an error answer."""

    REFUSED = "F"  # certain: nothing was done, the buyer may try again
    MISCONFIGURED = "M"  # certain: nothing was done, and we or our contract are at fault
    BUSY = "D"  # done already or being done: look it up
    UNKNOWN = "U"  # nobody knows: look it up


# code: confirm, lookup, cancel. A dash: not documented for that call, hence an unknown outcome there.
# A lookup refuses nothing: what it cannot say stays unknown.
_TABLE = """
    ALREADY_PROCESSED_PAYMENT                           D - -
    ALREADY_PROCESSING_REQUEST                          D - -
    DUPLICATED_ORDER_ID                                 D - -
    IDEMPOTENT_REQUEST_PROCESSING                       D - D
    ALREADY_CANCELED_PAYMENT                            - - D
    ALREADY_REFUND_PAYMENT                              - - D
    NOT_MATCHES_REFUNDABLE_AMOUNT                       - - D

    EXCEED_MAX_CARD_INSTALLMENT_PLAN                    F - -
    NOT_ALLOWED_POINT_USE                               F - -
    INVALID_REJECT_CARD                                 F - -
    BELOW_MINIMUM_AMOUNT                                F - -
    INVALID_CARD_EXPIRATION                             F - -
    INVALID_STOPPED_CARD                                F - -
    EXCEED_MAX_DAILY_PAYMENT_COUNT                      F - -
    NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT     F - -
    INVALID_CARD_INSTALLMENT_PLAN                       F - -
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN              F - -
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT - U -
    EXCEED_MAX_PAYMENT_AMOUNT                           F - -
    INVALID_CARD_LOST_OR_STOLEN                         F - -
    RESTRICTED_TRANSFER_ACCOUNT                         F - -
    INVALID_CARD_NUMBER                                 F - -
    EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT                  F - -
    EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT                 F - -
    EXCEED_MAX_AMOUNT                                   F - -
    INVALID_ACCOUNT_INFO_RE_REGISTER                    F - -
    NOT_AVAILABLE_PAYMENT                               F - -
    EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT                   F - -
    REJECT_ACCOUNT_PAYMENT                              F - -
    REJECT_CARD_PAYMENT                                 F - -
    REJECT_CARD_COMPANY                                 F - -
    REJECT_TOSSPAY_INVALID_ACCOUNT                      F - -
    EXCEED_MAX_AUTH_COUNT                               F - -
    EXCEED_MAX_ONE_DAY_AMOUNT                           F - -
    NOT_AVAILABLE_BANK                                  F - U
    INVALID_PASSWORD                                    F - -
    FDS_ERROR                                           F - -
    NOT_FOUND_PAYMENT                                   F - F
    NOT_FOUND_PAYMENT_SESSION                           F - -
    NOT_FOUND                                           - U -
    INVALID_REFUND_ACCOUNT_INFO                         - - F
    INVALID_REFUND_ACCOUNT_NUMBER                       - - F
    INVALID_BANK                                        - - F
    EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT                - - F
    REFUND_REJECTED                                     - - F
    FORBIDDEN_BANK_REFUND_REQUEST                       - - F
    NOT_CANCELABLE_AMOUNT                               - - F
    NOT_CANCELABLE_PAYMENT                              - - F
    EXCEED_MAX_REFUND_DUE                               - - F
    NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT          - - F
    NOT_ALLOWED_PARTIAL_REFUND                          - - F
    NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER             - - F
    EXCEED_CANCEL_LIMIT                                 - - F

    INVALID_REQUEST                                     M - F
    INVALID_API_KEY                                     M - -
    NOT_FOUND_TERMINAL_ID                               M - -
    INVALID_AUTHORIZE_AUTH                              M - -
    INVALID_UNREGISTERED_SUBMALL                        M - -
    NOT_REGISTERED_BUSINESS                             M - -
    INVALID_IDEMPOTENCY_KEY                             M - M
    UNAUTHORIZED_KEY                                    M M M
    FORBIDDEN_REQUEST                                   M - M
    INCORRECT_BASIC_AUTH_FORMAT                         M M M

    PROVIDER_ERROR                                      U - U
    CARD_PROCESSING_ERROR                               U - -
    UNAPPROVED_ORDER_ID                                 U - -
    FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING           U U U
    FAILED_INTERNAL_SYSTEM_PROCESSING                   U - U
    UNKNOWN_PAYMENT_ERROR                               U - -
    COMMON_ERROR                                        U - U
    FORBIDDEN_CONSECUTIVE_REQUEST                       - U U
    FAILED_REFUND_PROCESS                               - - U
    FAILED_METHOD_HANDLING_CANCEL                       - - U
    FAILED_PARTIAL_REFUND                               - - U
"""
_COLUMNS: dict[Call, int] = {"confirm": 1, "lookup": 2, "cancel": 3}
_ROWS = {words[0]: words for words in map(str.split, filter(None, map(str.strip, _TABLE.splitlines())))}


def verdict(call: Call, code: str) -> Verdict:
    """Judge an error code; a code nobody documented leaves the outcome unknown."""
    row = _ROWS.get(code)
    letter = row[_COLUMNS[call]] if row else "-"
    return Verdict.UNKNOWN if letter == "-" else Verdict(letter)


def documented() -> dict[str, dict[Call, str]]:
    """Return the whole table, letters by code and call."""
    return {code: {call: row[column] for call, column in _COLUMNS.items()} for code, row in _ROWS.items()}
