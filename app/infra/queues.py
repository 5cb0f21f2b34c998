"""What a queue is to us, and the arguments the broker must hear for it."""

from dataclasses import dataclass
from typing import Any

EXCHANGE = "madang"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Queue:
    """One listener's queue, with a waiting room per retry and a place for what nobody could handle."""

    name: str
    bindings: tuple[str, ...]
    prefetch: int = 16
    max_bytes: int = 64 * MEBIBYTE
    one_consumer: bool = False  # of several workers only one is handed messages, so that their order holds
    retry_seconds: tuple[int, ...] = (5, 60, 600)

    @property
    def dead(self) -> str:
        """Where messages end that need a person."""
        return f"{self.name}.dead"

    def retry(self, seconds: int) -> str:
        """Name one delay's waiting room: messages expire only at a queue's head, so delays cannot share."""
        return f"{self.name}.retry.{seconds}"

    def declarations(self) -> dict[str, dict[str, Any]]:
        """Name every queue to declare, with its arguments."""
        kind = {"x-queue-type": "classic"}
        bounded: dict[str, Any] = {
            "x-max-length-bytes": self.max_bytes,
            "x-overflow": "reject-publish",
            # Where a queue that was made a quorum queue by policy sends what it gives up.
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
        }
        if self.one_consumer:
            bounded["x-single-active-consumer"] = True
        back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.name}
        waiting = {
            self.retry(seconds): {**kind, **back, "x-message-ttl": seconds * 1000}
            for seconds in self.retry_seconds
        }
        return {self.dead: kind, **waiting, self.name: {**kind, **bounded}}
