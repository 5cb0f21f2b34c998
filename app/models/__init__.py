"""Every table of the shop, as SQLAlchemy Core sees it; db/schema.sql is the mirror."""

from app.models.accounts import account_links, addresses, sessions, users
from app.models.audit import access_log, audit_log
from app.models.base import metadata
from app.models.carts import cart_heads, carts
from app.models.messages import outbox
from app.models.operators import operator_factors, operator_recovery_codes, operator_sessions, operators
from app.models.orders import order_lines, orders
from app.models.payments import (
    payment_comparisons,
    payment_differences,
    refunds,
    toss_payments,
    web_payments,
    webhook_events,
)
from app.models.products import products
from app.models.schema import schema_migrations
from app.models.stock import stock_movements

__all__ = [
    "access_log",
    "account_links",
    "addresses",
    "audit_log",
    "cart_heads",
    "carts",
    "metadata",
    "operator_factors",
    "operator_recovery_codes",
    "operator_sessions",
    "operators",
    "order_lines",
    "orders",
    "outbox",
    "payment_comparisons",
    "payment_differences",
    "products",
    "refunds",
    "schema_migrations",
    "sessions",
    "stock_movements",
    "toss_payments",
    "users",
    "web_payments",
    "webhook_events",
]
