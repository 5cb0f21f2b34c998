"""The errors of the protocol, with RabbitMQ's codes and nearly its words."""


class AmqpFault(Exception):  # noqa: N818  # a fault of the protocol, not of this server
    """Something the client did wrong: closes its channel, or its whole connection when `hard`."""

    def __init__(self, code: int, text: str, *, hard: bool = False) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.hard = hard


def not_found(kind: str, name: str) -> AmqpFault:
    """Name what is missing."""
    return AmqpFault(404, f"NOT_FOUND - no {kind} '{name}' in vhost '/'")


def precondition_failed(text: str) -> AmqpFault:
    """Say what does not fit what is there."""
    return AmqpFault(406, f"PRECONDITION_FAILED - {text}")


def not_implemented(text: str) -> AmqpFault:
    """Refuse what this stand-in leaves out, loudly."""
    return AmqpFault(540, f"NOT_IMPLEMENTED - {text}", hard=True)
