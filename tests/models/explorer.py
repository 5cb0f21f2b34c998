"""A small explicit-state model checker: visits every state a model can reach, the nearest first.

A model says which steps its machines take of themselves (`steps`) and what people and misfortune may
do at any time, or never (`chances`). `wrong` judges every state, `wrong_at_rest` those in which no
machine has anything left to do. The first violation ends the exploration; since the nearest states
come first, the trace to it is a shortest one.

Left out: fairness and liveness. Machines that go round in a circle for ever are not noticed.
"""

import gc
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

State = TypeVar("State", bound=tuple[Any, ...])
Steps = Iterable[tuple[str, State]]


class Model(Protocol[State]):
    """What is explored. States are tuples: hashable, equal when they are the same."""

    @property
    def start(self) -> State:
        """The first state."""

    def steps(self, state: State) -> Steps[State]:
        """Return what the machines may do next, each with its label."""

    def chances(self, state: State) -> Steps[State]:
        """Return what people may do and what may go wrong."""

    def wrong(self, state: State) -> str:
        """Say what must not be in any state, '' when all is well."""

    def wrong_at_rest(self, state: State) -> str:
        """Say what must not be in a state where no machine has anything left to do."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was visited and, if there was one, the first violation and the labels that lead to it."""

    states: int
    at_rest: int
    seconds: float
    violation: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        seen = f"{self.states:,} states, {self.at_rest:,} at rest, {self.seconds:.1f} s"
        if not self.violation:
            return f"{seen}: 0 violations"
        return f"{seen}: {self.violation} after {len(self.trace)} steps: " + "; ".join(self.trace)


def explore(model: Model[State]) -> Exploration:
    """Visit every state, or as many as it takes to find a violation."""
    started = time.perf_counter()
    start = model.start
    came_from: dict[State, State | None] = {start: None}
    parts: dict[Any, Any] = {}
    frontier, at_rest, violation = [start], 0, ""
    with _without_garbage_collection():
        while frontier and not violation:
            following: list[State] = []
            for state in frontier:
                resting = True
                for _, after in model.steps(state):
                    resting = resting and after == state
                    if after not in came_from:
                        following.append(_shared(after, parts))
                        came_from[following[-1]] = state
                for _, after in model.chances(state):
                    if after not in came_from:
                        following.append(_shared(after, parts))
                        came_from[following[-1]] = state
                at_rest += resting
                violation = model.wrong(state) or (model.wrong_at_rest(state) if resting else "")
                if violation:
                    break
            else:
                frontier = following
    seconds = time.perf_counter() - started
    trace = tuple(_labels(model, came_from, state)) if violation else ()
    return Exploration(len(came_from), at_rest, seconds, violation, trace)


def _shared(state: State, parts: dict[Any, Any]) -> State:
    """Return an equal state whose parts are kept once for all states: a fraction of the memory."""
    make: Any = getattr(type(state), "_make", tuple)
    shared: State = make([parts.setdefault(part, part) for part in state])
    return shared


def _labels(model: Model[State], came_from: dict[State, State | None], state: State) -> list[str]:
    """Find the way to a state again; it is cheaper to take the steps once more than to keep all labels."""
    labels = []
    while (before := came_from[state]) is not None:
        labels.append(next(label for label, after in options(model, before) if after == state))
        state = before
    return labels[::-1]


def options(model: Model[State], state: State) -> Iterator[tuple[str, State]]:
    """Return all that may happen next, by machines, people or misfortune."""
    yield from model.steps(state)
    yield from model.chances(state)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Tuples of tuples hold no circles; looking for some in a million states takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
