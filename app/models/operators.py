"""Who may run the shop, their own sessions, and what proves that they are it."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from app.models.base import TABLE, Id, Moment, created_at, key_column, metadata, updated_at


def _user_id() -> Column[int]:
    return Column("user_id", Id, ForeignKey("users.user_id"), nullable=False, comment="회원 번호")


# The right to run the shop is this row; users.role alone opens nothing.
operators = Table(
    "operators",
    metadata,
    Column(
        "user_id",
        Id,
        ForeignKey("users.user_id"),
        primary_key=True,
        autoincrement=False,
        comment="회원 번호",
    ),
    Column("failures", Integer, nullable=False, comment="잇달아 틀린 인증 코드의 수"),
    Column("open_at", Moment, nullable=True, comment="다음 인증 코드를 받는 때 (UTC)"),
    Column("disabled_at", Moment, nullable=True, comment="운영자에서 뺀 때 (UTC)"),
    created_at(),
    updated_at(),
    comment="운영자",
    **TABLE,
)

# Few people, and each request asks: no copy in Redis. Until proved_at is set only the password was right.
operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="세션 토큰의 SHA-256"),
    _user_id(),
    Column("epoch", Integer, nullable=False, comment="로그인할 때의 session_epoch"),
    Column("address", String(45), nullable=False, comment="접속 주소"),
    Column("user_agent", String(255), nullable=False, comment="브라우저 이름"),
    Column("challenges", Integer, nullable=False, comment="쓰고 버린 패스키 문제의 수"),
    Column("proved_at", Moment, nullable=True, comment="마지막으로 2단계 인증한 때 (UTC)"),
    Column("last_seen_at", Moment, nullable=False, comment="마지막 요청 (UTC)"),
    Column("expires_at", Moment, nullable=False, comment="절대 만료 (UTC)"),
    Column("ended_at", Moment, nullable=True, comment="로그아웃한 때 (UTC)"),
    created_at(),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    comment="운영자 세션",
    **TABLE,
)

operator_factors = Table(
    "operator_factors",
    metadata,
    key_column("operator_factor_id", "인증 수단 번호"),
    _user_id(),
    Column("kind", String(8), nullable=False, comment="totp 또는 passkey"),
    Column("label", String(60), nullable=False, comment="운영자가 붙인 이름"),
    Column("secret", String(255), nullable=True, comment="totp: 암호화한 비밀 값"),
    Column("last_step", BigInteger, nullable=True, comment="totp: 마지막으로 쓴 코드의 시각 번호"),
    Column("credential_hash", String(64), nullable=True, comment="passkey: 자격 증명 ID의 SHA-256"),
    Column("credential_id", Text, nullable=True, comment="passkey: 자격 증명 ID"),
    Column("public_key", Text, nullable=True, comment="passkey: 공개 키"),
    Column("sign_count", BigInteger, nullable=True, comment="passkey: 서명 횟수"),
    Column("used_at", Moment, nullable=True, comment="마지막으로 쓴 때 (UTC)"),
    created_at(),
    UniqueConstraint("credential_hash"),
    Index(None, "user_id"),
    comment="운영자의 2단계 인증 수단",
    **TABLE,
)

operator_recovery_codes = Table(
    "operator_recovery_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True, comment="복구 코드의 SHA-256"),
    _user_id(),
    Column("batch", String(32), nullable=False, comment="함께 만든 코드의 표"),
    Column("used_at", Moment, nullable=True, comment="쓴 때 (UTC)"),
    created_at(),
    Index(None, "user_id"),
    comment="운영자의 복구 코드",
    **TABLE,
)
