"""What operators changed, and whose personal data they saw. Written once, never changed."""

from sqlalchemy import Column, Index, String, Table

from app.models.base import TABLE, Id, created_at, key_column, metadata

audit_log = Table(
    "audit_log",
    metadata,
    key_column("audit_log_id", "변경 기록 번호"),
    Column("user_id", Id, nullable=True, comment="운영자의 회원 번호, 명령줄은 NULL"),
    Column("signup_id", String(64), nullable=False, comment="운영자의 아이디, 또는 명령줄의 계정"),
    Column("address", String(45), nullable=False, comment="접속 주소"),
    Column("action", String(40), nullable=False, comment="무엇을 했는지"),
    Column("subject", String(200), nullable=False, comment="무엇에 대해"),
    Column("detail", String(500), nullable=False, comment="어떻게"),
    created_at(),
    Index(None, "created_at"),
    comment="운영자의 변경 기록",
    **TABLE,
)

access_log = Table(
    "access_log",
    metadata,
    key_column("access_log_id", "접속 기록 번호"),
    Column("user_id", Id, nullable=False, comment="운영자의 회원 번호"),
    Column("signup_id", String(64), nullable=False, comment="운영자의 아이디"),
    Column("address", String(45), nullable=False, comment="접속 주소"),
    Column("subject", String(2000), nullable=False, comment="누구의 정보인지: 주문번호들"),
    Column("what", String(200), nullable=False, comment="무엇을 보았는지"),
    created_at(),
    Index(None, "created_at"),
    comment="개인정보 접속 기록",
    **TABLE,
)
