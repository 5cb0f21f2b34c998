"""Which changes of the schema this database has been through."""

from sqlalchemy import Column, String, Table

from app.models.base import TABLE, Moment, metadata

schema_migrations = Table(
    "schema_migrations",
    metadata,
    Column("name", String(100), primary_key=True, comment="db/migrations의 파일 이름"),
    Column("applied_at", Moment, nullable=False, comment="적용한 때 (UTC)"),
    comment="적용한 스키마 변경",
    **TABLE,
)
