"""The idempotency store: the first answer under a key is the answer, errors included."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.toss.clock import Clock
from sandbox.toss.codes import Refusal
from sandbox.toss.reply import Reply

LIFETIME = timedelta(days=15)
LONGEST = 300

# The body is no part of it: the same key with another body gets the first payment's answer, as at Toss.
Scope = tuple[str, str, str, str]  # idempotency key, secret key, path, method


@dataclass(slots=True)
class Idempotency:
    """Answers by scope; None while the first request is still at work."""

    clock: Clock
    kept: dict[Scope, tuple[datetime, Reply | None]] = field(default_factory=dict)

    async def once(self, scope: Scope, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """Do the work, or replay what it answered the first time."""
        key = scope[0]
        if not key:
            return await work()
        if len(key) > LONGEST:
            raise Refusal("INVALID_IDEMPOTENCY_KEY")
        now = self.clock.now()
        since, reply = self.kept.get(scope, (None, None))
        if since and now - since < LIFETIME:
            if reply is None:
                raise Refusal("IDEMPOTENT_REQUEST_PROCESSING")
            return reply
        self.kept[scope] = (now, None)
        try:
            reply = await work()
        except BaseException:
            del self.kept[scope]
            raise
        self.kept[scope] = (now, reply)
        return reply
