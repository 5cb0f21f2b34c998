"""Messages waiting to leave."""

from sqlalchemy import Column, String, Table, Text
from sqlalchemy.dialects import mysql

from app.models.base import ENGINES, TABLE, created_at, key_column, metadata

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
