"""Shoppers and operators, and their sessions."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from app.models.base import TABLE, Id, Moment, created_at, key_column, metadata, updated_at

users = Table(
    "users",
    metadata,
    key_column("user_id", "회원 번호"),
    Column("name", String(255), nullable=False, comment="이름"),
    Column("phone", String(11), nullable=False, comment="전화번호, 숫자만"),
    Column("signup_id", String(15), nullable=False, comment="로그인 아이디"),
    Column("signup_password", String(255), nullable=False, comment="비밀번호의 bcrypt 값"),
    Column("role", String(16), nullable=False, comment="shopper 또는 operator"),
    Column("email", String(255), nullable=True, comment="이메일"),
    Column("consents", String(1000), nullable=False, comment="동의한 약관과 판, JSON"),
    Column("session_epoch", Integer, nullable=False, comment="올리면 모든 기기에서 로그아웃"),
    Column("password_changed_at", Moment, nullable=False, comment="비밀번호를 바꾼 때 (UTC)"),
    Column("closed_at", Moment, nullable=True, comment="탈퇴한 때 (UTC)"),
    created_at(),
    updated_at(),
    UniqueConstraint("signup_id"),
    comment="회원과 운영자",
    **TABLE,
)

# Written at log-in and log-out only. Redis is the hot copy; this row is the truth when Redis has nothing.
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="세션 토큰의 SHA-256"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=False, comment="회원 번호"),
    Column("epoch", Integer, nullable=False, comment="로그인할 때의 session_epoch"),
    Column("user_agent", String(255), nullable=False, comment="브라우저 이름"),
    Column("expires_at", Moment, nullable=False, comment="절대 만료 (UTC)"),
    Column("revoked_at", Moment, nullable=True, comment="로그아웃한 때 (UTC)"),
    created_at(),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    comment="로그인 세션",
    **TABLE,
)
