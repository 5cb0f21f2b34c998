"""What a shopper knows of the own cart: every acknowledged edit, and nothing else."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

EVENTS_KEPT = 24
NOTHING = frozenset({0})


@dataclass(slots=True)
class Witness:
    """One cart as it must be: product → the quantities it may have. Nearly always that is one.

    Two while an answer is lost and the edit counts perhaps twice. ``alternatives`` is what a line of an
    order may show besides: 0 from the moment its payment may succeed, and after that, until it was
    seen gone, the old quantity.
    """

    lines: dict[int, frozenset[int]] = field(default_factory=dict)
    alternatives: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)  # edited since the last order was placed
    events: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))

    def note(self, event: str) -> None:
        """Remember what happened, for whoever must find out what went wrong."""
        self.events.append(f"{time.time():.3f} {event}")

    def put(self, product_id: int, *quantities: int) -> None:
        """An edit was acknowledged."""
        self.lines[product_id] = frozenset(quantities)
        self.touched.add(product_id)
        self.note(f"product {product_id} is {sorted(quantities)}")

    def certain(self) -> dict[int, int]:
        """The lines that are there beyond doubt."""
        return {
            product_id: next(iter(may))
            for product_id, may in self.lines.items()
            if len(may) == 1 and may != NOTHING and product_id not in self.alternatives
        }

    def is_certain(self) -> bool:
        """Whether nothing is in doubt."""
        return not self.alternatives and all(len(may) == 1 for may in self.lines.values())

    def may_be(self, product_id: int) -> frozenset[int]:
        """The quantities this product may be seen with."""
        more = self.alternatives.get(product_id)
        may = self.lines.get(product_id, NOTHING)
        return may if more is None else may | {more}

    def place_order(self) -> dict[int, int]:
        """The cart as it stands was ordered; return its lines."""
        self.touched.clear()
        return self.certain()

    def let_fade(self, ordered: Mapping[int, int]) -> None:
        """The payment of an order may succeed from now on: its lines may go, those edited since may not."""
        for product_id in ordered:
            if product_id not in self.touched:
                self.alternatives[product_id] = 0

    def keep(self, ordered: Mapping[int, int]) -> None:
        """The payment failed: its lines stay."""
        for product_id in ordered:
            self.alternatives.pop(product_id, None)

    def pay(self, ordered: Mapping[int, int]) -> None:
        """The payment succeeded: its lines are gone, though they may be seen until they were seen gone."""
        for product_id, quantity in ordered.items():
            if self.alternatives.get(product_id) == 0:
                self.lines[product_id] = NOTHING
                self.alternatives[product_id] = quantity

    def differences(self, seen: Mapping[int, int]) -> dict[int, tuple[int, list[int]]]:
        """Compare a whole cart: product → what was seen, and what it may be. What was seen is learnt from."""
        wrong = {}
        for product_id in {*self.lines, *seen}:
            quantity, may = seen.get(product_id, 0), self.may_be(product_id)
            if quantity not in may:
                wrong[product_id] = (quantity, sorted(may))
            elif quantity == 0:
                self.lines[product_id] = NOTHING
                self.alternatives.pop(product_id, None)
            elif quantity in self.lines.get(product_id, NOTHING):
                self.lines[product_id] = frozenset({quantity})
        return wrong

    def fits(self, total: int) -> bool:
        """Whether the number on the cart's badge can be right."""
        possible = [self.may_be(product_id) for product_id in self.lines]
        return sum(map(min, possible)) <= total <= sum(map(max, possible))
