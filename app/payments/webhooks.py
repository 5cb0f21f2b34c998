"""Webhooks: stored and answered at once, never believed; what they are about is asked of Toss."""

import hashlib
import hmac
import json
import logging
import re
from typing import Any

from app.core import ids
from app.core.errors import UnavailableError
from app.infra import metrics
from app.infra.db import Tx
from app.machines import Machines
from app.payments import reconcile, settle, states, store
from app.payments.attempt import Attempt
from app.payments.messages import WebhookReceived
from app.payments.toss import TossRefused, TossUnknown

EVENT = re.compile(r"[A-Z_]{1,64}", re.ASCII)
NUMBER = re.compile(
    r"[A-Za-z0-9_-]{6,64}", re.ASCII
)  # as Toss allows it: JSON can name what no database takes
SECRET = re.compile(r"[!-~]{1,50}", re.ASCII)
DEPOSIT_CALLBACK = "DEPOSIT_CALLBACK"  # the one shape without an eventType

log = logging.getLogger(__name__)


class BadWebhookError(Exception):
    """The body is no JSON object."""


async def receive(m: Machines, body: bytes | str) -> None:
    """Keep a webhook about a payment of ours, once; drop others without a word. Raises BadWebhookError."""
    content = _read(body)
    payload = content.get("data")
    about = payload if isinstance(payload, dict) else content
    payment_no = _fit(about.get("orderId"), NUMBER)
    event = _fit(content.get("eventType", DEPOSIT_CALLBACK), EVENT)
    if not payment_no or not event:
        return
    fingerprint = hashlib.sha256(body if isinstance(body, bytes) else body.encode()).hexdigest()

    async def keep(tx: Tx) -> bool:
        attempt = await store.select_by_no(tx, payment_no)
        if attempt is None or not await _is_genuine(tx, attempt, content):
            return False
        webhook_event_id = await store.insert_webhook(tx, fingerprint, payment_no, event)
        if webhook_event_id is not None:
            await tx.announce(WebhookReceived(webhook_event_id))
        return True

    await settle.transact(m, keep)


async def handle(m: Machines, webhook_event_id: int) -> None:
    """Ask Toss about the payment a webhook names. Raises UnavailableError when Toss cannot say yet.

    An attempt that somebody moved meanwhile is asked about once more: what the webhook told us may
    have come too late for them, and for us there was nothing left to settle.
    """
    async with m.db.read() as tx:
        payment_no = await store.select_webhook_payment_no(tx, webhook_event_id)
        attempt = await store.select_by_no(tx, payment_no) if payment_no else None
    asked: str | None = None
    # A PENDING attempt has asked nothing of Toss: the shopper is still on the way back.
    while attempt is not None and attempt.status not in {states.PENDING, asked}:
        asked = attempt.status
        try:
            await reconcile.ask(m, attempt, resend=False)
        except TossRefused as refusal:
            settle.raise_alarm(f"toss_{refusal.code.lower()}", attempt)
        except TossUnknown as unknown:
            raise UnavailableError(f"toss: {unknown.reason}") from unknown
        async with m.db.read() as tx:
            attempt = await store.select_attempt(tx, attempt.web_payment_id)
    async with m.db.write() as tx:
        await store.update_webhook_handled(tx, webhook_event_id)


async def _is_genuine(tx: Tx, attempt: Attempt, content: dict[str, Any]) -> bool:
    """Whether a deposit's webhook shows the secret that Toss gave us with the account; others show none."""
    if "eventType" in content:
        return True
    kept = await store.select_secret(tx, attempt.web_payment_id)
    if kept is None:  # nothing to compare with yet
        return True
    shown = _fit(content.get("secret"), SECRET)
    if hmac.compare_digest(ids.fingerprint(shown), kept):
        return True
    metrics.alarms.labels("forged_webhook").inc()
    log.warning("security: a deposit's webhook about web_payment %d has no secret", attempt.web_payment_id)
    return False


def _fit(word: object, shape: re.Pattern[str]) -> str:
    """Return the word if it is one of that shape, else ''."""
    return word if isinstance(word, str) and shape.fullmatch(word) else ""


def _read(body: bytes | str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadWebhookError(str(error)) from error
    if not isinstance(content, dict):
        raise BadWebhookError("not an object")
    return content
