"""Shoppers and operators, and their sessions."""

from sqlalchemy import Column, ForeignKey, Index, Integer, SmallInteger, String, Table, UniqueConstraint

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
    Column("email_confirmed_at", Moment, nullable=True, comment="이메일을 확인한 때 (UTC)"),
    UniqueConstraint("signup_id"),
    # Not unique: a form that refused a taken address would tell who has an account here.
    Index(None, "email"),
    comment="회원과 운영자",
    **TABLE,
)

# Written at log-in, at log-out and once a day between. Redis is the hot copy; this row is the truth when
# Redis has nothing.
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
    Column("used_at", Moment, nullable=True, comment="마지막으로 쓴 날 (UTC), 하루에 한 번 적음"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    comment="로그인 세션",
    **TABLE,
)

# What a mailed link may do, once. The token itself is in the mail only.
account_links = Table(
    "account_links",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="링크 토큰의 SHA-256"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=False, comment="회원 번호"),
    Column("purpose", String(16), nullable=False, comment="reset 또는 email"),
    Column("email", String(255), nullable=False, comment="링크를 보낸 주소"),
    Column("expires_at", Moment, nullable=False, comment="만료 (UTC)"),
    Column("used_at", Moment, nullable=True, comment="쓴 때 (UTC)"),
    created_at(),
    Index(None, "user_id", "purpose"),
    Index(None, "expires_at"),
    comment="메일로 보낸 링크",
    **TABLE,
)

# Where a member's goods may go. The default one is the only one with a slot.
addresses = Table(
    "addresses",
    metadata,
    key_column("address_id", "배송지 번호(내부)"),
    Column("address_no", String(32), nullable=False, comment="배송지 번호(주소에 쓰는 무작위 값)"),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=False, comment="회원 번호"),
    Column("recipient_name", String(255), nullable=False, comment="받는 분"),
    Column("recipient_phone", String(11), nullable=False, comment="받는 분 전화번호, 숫자만"),
    Column("postcode", String(5), nullable=False, comment="우편번호"),
    Column("address1", String(255), nullable=False, comment="주소"),
    Column("address2", String(255), nullable=False, comment="상세 주소"),
    Column("default_slot", SmallInteger, nullable=True, comment="기본 배송지는 1, 나머지는 NULL"),
    created_at(),
    updated_at(),
    UniqueConstraint("address_no"),
    UniqueConstraint("user_id", "default_slot"),
    comment="회원이 저장한 배송지",
    **TABLE,
)
