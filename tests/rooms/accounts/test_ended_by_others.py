"""Whoever runs the machine ends the sessions of a shopper who calls and cannot do it."""

import asyncio
import os
import subprocess
import sys

import pytest

from tests.shop import Shop
from tests.village import enter, jun, minji

pytestmark = pytest.mark.real_first


def run_verb(shop: Shop, signup_id: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, **shop.stack.environment(), "LOG_LEVEL": "ERROR"}
    verb = [sys.executable, "-m", "app", "log-out", signup_id]
    return subprocess.run(verb, env=env, capture_output=True, text=True, timeout=60, check=False)


async def test_a_command_ends_every_session_of_one_shopper_and_of_nobody_else(shop: Shop) -> None:
    person, other = await minji(shop.m), await jun(shop.m)
    at_home, on_the_way, beside = (
        await enter(shop, person),
        await enter(shop, person),
        await enter(shop, other),
    )
    for visitor in (at_home, on_the_way, beside):
        assert (await visitor.get("/account")).status_code == 200
    done = await asyncio.to_thread(run_verb, shop, person.signup_id)
    assert done.returncode == 0, done.stderr
    for visitor in (at_home, on_the_way):
        assert (await visitor.get("/account")).headers["Location"].startswith("/login")
    assert (await beside.get("/account")).status_code == 200
    assert (await (await enter(shop, person)).get("/account")).status_code == 200


async def test_an_id_that_nobody_has_is_said(shop: Shop) -> None:
    done = await asyncio.to_thread(run_verb, shop, "nobody_here")
    assert (done.returncode, done.stderr) == (1, "no such user\n")
