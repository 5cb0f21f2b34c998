"""Messages waiting to leave, and messages already acted upon."""

from sqlalchemy import Column, Index, String, Table, Text
from sqlalchemy.dialects import mysql

from app.models.base import ENGINES, TABLE, Moment, created_at, key_column, metadata

outbox = Table(
    "outbox",
    metadata,
    key_column("outbox_id", "보낼 편지 번호"),
    Column("message_id", String(64), nullable=False, comment="메시지 번호"),
    Column("type", String(64), nullable=False, comment="메시지 종류, 라우팅 키"),
    Column(
        "body",  # text, not bytes: aiomysql 0.3.2 cannot send bytes with PyMySQL 1.2.4
        Text().with_variant(mysql.MEDIUMTEXT(), *ENGINES),
        nullable=False,
        comment="봉투 전체, JSON",
    ),
    created_at(),
    comment="커밋과 함께 남긴, 보낼 메시지",
    **TABLE,
)

processed_messages = Table(
    "processed_messages",
    metadata,
    Column("handler", String(64), primary_key=True, comment="처리한 이"),
    Column("message_id", String(64), primary_key=True, comment="메시지 번호"),
    Column("processed_at", Moment, nullable=False, comment="처리한 때 (UTC)"),
    Index(None, "processed_at"),
    comment="이미 처리한 메시지",
    **TABLE,
)
