"""Signs of life, for whoever watches the shop."""

import asyncio
import hmac
from collections.abc import Awaitable

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Response, jsonify, request

from app.core.errors import NotFoundError, UnavailableError
from app.infra import metrics as counters
from app.ops import violations
from app.web import current, limits
from app.web.caller import is_this_machine
from app.web.guards import outside

blueprint = Blueprint("ops", __name__)


@blueprint.get("/livez")
@outside
async def livez() -> Response:
    """Say that this process answers. A process that does not should be restarted."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
@outside
async def readyz() -> Response:
    """Say which machines can be reached: 200 when the shop can take orders, else 503.

    The broker is not needed for that: without it messages wait in the outbox and the dirty set.
    """
    m = current.machines()
    database, cache = await asyncio.gather(_reach(m.db.ping()), _reach(m.redis.ping()))
    answer = jsonify(database=database, redis=cache, amqp="ok" if m.amqp.connected else "away")
    answer.status_code = 200 if database == cache == "ok" else 503
    return answer


@blueprint.get("/metrics")
@outside
async def metrics() -> Response:
    """Give the counters of all processes to Prometheus, on this machine or with the token."""
    token = current.machines().settings.metrics_token
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = hmac.compare_digest(sent, token) if token else is_this_machine()
    if not allowed:
        raise NotFoundError("metrics")
    return Response(counters.exposition(), content_type=CONTENT_TYPE_LATEST)


@blueprint.post("/csp-reports")
@outside(limit=limits.REPORTS)
async def receive_violations() -> Response:
    """Count what a browser kept from happening on our pages. Anybody may say so: nothing else is done."""
    for violation in violations.read(await request.get_data(as_text=False)):
        counters.policy_violations.labels(violation.directive, violation.page).inc()
    return Response("", 204)


async def _reach(ping: Awaitable[None]) -> str:
    try:
        await ping
    except UnavailableError:
        return "away"
    return "ok"
