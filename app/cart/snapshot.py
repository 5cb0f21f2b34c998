"""A cart as it travels: every line with its stamp, joined by the newest stamp of each."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class SnapLine(NamedTuple):
    """One product's register: its quantity (0: removed) and the stamp (µs) that set it."""

    product_id: int
    quantity: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one cart at its stamp ``last``; lines up to ``cleared`` are paid for and gone."""

    owner: str
    last: int
    cleared: int
    lines: tuple[SnapLine, ...]

    @property
    def live(self) -> tuple[SnapLine, ...]:
        """The lines a shopper sees, in an order that no edit changes."""
        return tuple(sorted(line for line in self.lines if line.quantity))

    @property
    def total_quantity(self) -> int:
        """How many goods are in the cart."""
        return sum(line.quantity for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as a message carries it."""
        lines = [list(line) for line in self.lines]
        return {"owner": self.owner, "last": self.last, "cleared": self.cleared, "lines": lines}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Snapshot":
        """Read a snapshot from a message. Raises KeyError, TypeError or ValueError for anything else."""
        lines = tuple(SnapLine(int(p), int(q), int(s)) for p, q, s in content["lines"])
        owner = content["owner"]
        if (
            not isinstance(owner, str)
            or owner[:2] not in {"u:", "g:"}
            or any(line.quantity < 0 for line in lines)
        ):
            raise ValueError("not a cart")
        return cls(owner, int(content["last"]), int(content["cleared"]), lines)


def join(one: Snapshot, other: Snapshot) -> Snapshot:
    """Join two snapshots of one cart.

    Commutative, associative and idempotent, so that duplicates and reordering of messages do no
    harm. Keeping only the newer snapshot would lose lines across a wipe of Redis.
    """
    cleared = max(one.cleared, other.cleared)
    lines: dict[int, SnapLine] = {}
    for line in (*one.lines, *other.lines):
        known = lines.get(line.product_id)
        if line.stamp > cleared and (known is None or line.stamp > known.stamp):
            lines[line.product_id] = line
    return Snapshot(one.owner, max(one.last, other.last), cleared, tuple(sorted(lines.values())))
