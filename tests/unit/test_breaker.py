"""The breaker: closed, open, half open, by a clock of the test's own."""

from app.infra.breaker import Breaker


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(hand: Hand) -> Breaker:
    breaker = Breaker("it", failures=3, open_seconds=5.0, clock=hand)
    for _ in range(3):
        assert breaker.enter()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_and_not_after_as_many_in_all() -> None:
    breaker = Breaker("it", failures=3, open_seconds=5.0)
    for ends in ("failed", "failed", "answered", "failed", "failed"):
        assert breaker.enter()
        getattr(breaker, ends)()
    assert breaker.is_closed
    breaker.failed()
    assert not breaker.is_closed
    assert not breaker.enter()


def test_one_probe_goes_through_after_a_while_and_decides() -> None:
    hand = Hand()
    breaker = broken(hand)
    hand.now += 4.9
    assert not breaker.enter()
    hand.now += 0.2
    assert breaker.enter()
    assert not breaker.enter()  # the probe is under way
    breaker.failed()
    assert not breaker.enter()
    hand.now += 5.1
    assert breaker.enter()
    breaker.answered()
    assert breaker.is_closed
    assert all(breaker.enter() for _ in range(10))


def test_a_probe_whose_caller_went_away_leaves_its_place_to_the_next() -> None:
    hand = Hand()
    breaker = broken(hand)
    hand.now += 5.1
    assert breaker.enter()
    breaker.left()
    assert breaker.lets_through
    assert breaker.enter()


def test_answers_that_come_late_do_not_keep_it_open() -> None:
    hand = Hand()
    breaker = broken(hand)
    hand.now += 4.0
    breaker.failed()  # sent before it opened
    hand.now += 1.1
    assert breaker.enter()
