"""What a browser brings back from Toss, and where its attempt stands then; pure."""

from dataclasses import dataclass, replace

from app.orders.order import Order
from app.payments import states
from app.payments.attempt import Attempt

# A payment that was confirmed, or may have been.
GOING_ON = {states.CONFIRMING, states.WAITING_FOR_DEPOSIT, states.PAID}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser brought back from Toss. None of it is believed; it is compared."""

    payment_key: str
    payment_no: str
    amount: int

    def fits(self, attempt: Attempt) -> bool:
        """Whether it is this attempt's, and its sum."""
        return self.payment_no == attempt.payment_no and self.amount == attempt.total_price


@dataclass(frozen=True, slots=True)
class Result:
    """Where an attempt stands after the return.

    ``tampered`` when what was brought back does not fit it; ``elsewhere`` when it was another payment of the
    same attempt that was confirmed, and this one never will be.
    """

    attempt: Attempt
    order: Order
    tampered: bool = False
    elsewhere: bool = False

    def seen_by(self, arrival: Arrival | None) -> "Result":
        """Note when two devices paid at once, and it was the other's payment that was confirmed."""
        attempt = self.attempt
        other = arrival is not None and attempt.payment_key not in {None, arrival.payment_key}
        mine = arrival is not None and arrival.fits(attempt)
        return replace(self, elsewhere=other and mine and attempt.status in GOING_ON)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line in front of the goods: nothing is charged yet, and it is kept.

    ``before`` is how many are served first; None while the attempt itself has not been read yet.
    """

    payment_no: str
    before: int | None
