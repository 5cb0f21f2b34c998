"""A stranger with a stop-watch learns from the log-in as little as one without."""

import statistics
import time
from dataclasses import replace

import pytest

from app.accounts import service
from app.accounts.attempts import Attempts
from app.machines import Machines
from tests.shop import Shop
from tests.village import minji, unheard_of_id

pytestmark = pytest.mark.real_first

SAMPLES, ROUNDS = 200, 4
COST = 7  # dear enough to be told from the noise, and over in seconds
NEARLY = 0.1


async def seconds_of(m: Machines, signup_id: str) -> float:
    """Return how long a wrong password takes; the failure is forgiven, or the next one would have to wait."""
    started = time.perf_counter()
    assert await service.log_in(m, signup_id, "틀린 비밀번호") is None
    taken = time.perf_counter() - started
    await m.keep(Attempts).forgive(signup_id)
    return taken


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(shop: Shop) -> None:
    """By turns, so that a busy machine slows both; by the least disturbed quarter, as a spy would.

    A difference of ours is there in every round, one of a busy machine is not.
    """
    m = replace(shop.m, settings=replace(shop.m.settings, bcrypt_cost=COST), _kept={})
    person, differences = await minji(m), []
    for _ in range(ROUNDS):
        known, unknown = [], []
        for _ in range(SAMPLES):
            known.append(await seconds_of(m, person.signup_id))
            unknown.append(await seconds_of(m, unheard_of_id("nobody")))
        quickest, other = (statistics.quantiles(taken, n=4)[0] for taken in (known, unknown))
        differences.append(abs(quickest / other - 1))
        if differences[-1] < NEARLY:
            return
    raise AssertionError(differences)
