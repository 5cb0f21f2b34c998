"""A message on its way in, frame by frame."""

from dataclasses import dataclass, field

from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from sandbox.amqp.faults import AmqpFault, precondition_failed
from sandbox.amqp.queue import Message, check_expiration

MAX_BODY = 128 * 1024 * 1024


@dataclass(slots=True)
class Publication:
    """A publish method, then a header, then as much body as the header promised."""

    method: Basic.Publish
    header: ContentHeader | None = None
    parts: list[bytes] = field(default_factory=list)
    missing: int = 0

    def add(self, frame: object) -> Message | None:
        """Take the next frame; the message, when it was the last."""
        if isinstance(frame, ContentHeader) and self.header is None:
            if frame.body_size > MAX_BODY:
                raise precondition_failed(f"message size {frame.body_size} is larger than {MAX_BODY}")
            check_expiration(frame.properties)
            self.header, self.missing = frame, frame.body_size
        elif isinstance(frame, ContentBody) and self.header is not None and len(frame) <= self.missing:
            self.parts.append(frame.value)
            self.missing -= len(frame)
        else:
            raise AmqpFault(505, "UNEXPECTED_FRAME - other content was expected", hard=True)
        if self.missing:
            return None
        return Message(
            self.method.exchange, self.method.routing_key, self.header.properties, b"".join(self.parts)
        )
