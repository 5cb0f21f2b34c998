"""A cart as it travels: every line with its stamp, joined by the newest stamp of each."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

OWNER = re.compile(r"u:[1-9]\d{0,17}|g:[\w-]{1,78}", re.ASCII)
MOST_PRODUCT = 10**9 - 1
MOST_QUANTITY = 99
MOST_STAMP = 2**53 - 1  # Redis' Lua counts in doubles


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
        lines = tuple(
            SnapLine(_whole(good, MOST_PRODUCT), _whole(quantity, MOST_QUANTITY), _whole(stamp, MOST_STAMP))
            for good, quantity, stamp in content["lines"]
        )
        owner = content["owner"]
        if not OWNER.fullmatch(owner) or any(line.product_id == 0 for line in lines):
            raise ValueError("not a cart")
        return cls(owner, _whole(content["last"], MOST_STAMP), _whole(content["cleared"], MOST_STAMP), lines)


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("not a number of ours")
    return value


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
