"""What a sandbox is started with."""

from dataclasses import dataclass

# The keys of Toss's public documentation; they open nothing.
DOCS_CLIENT_KEY = "test_gck_docs_Ovk5rk1EwkEbP0W43n07xlzm"
DOCS_SECRET_KEY = "test_gsk_docs_OaPz8L5KdmQXkzRz3y47BMw6"  # noqa: S105 - published by Toss for everyone

PAYMENT_STATUS_CHANGED = "PAYMENT_STATUS_CHANGED"
DEPOSIT_CALLBACK = "DEPOSIT_CALLBACK"


@dataclass(frozen=True, slots=True)
class Config:
    """One merchant as its Developer Center has it, and the pace of the sandbox."""

    client_key: str = DOCS_CLIENT_KEY
    secret_key: str = DOCS_SECRET_KEY
    shop_name: str = "테스트 상점"
    webhook_url: str | None = None
    webhook_events: tuple[str, ...] = (PAYMENT_STATUS_CHANGED, DEPOSIT_CALLBACK)
    webhook_speed: float = 60.0  # the retry table's minutes pass as seconds
    webhook_timeout: float = 10.0
    hang_seconds: float = 120.0  # how long a time-out fault keeps the caller waiting
    amount_mismatch_code: str = "INVALID_REQUEST"  # Toss blocks it; its code is not documented
