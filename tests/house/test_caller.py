"""An address that somebody claims to have is worth nothing, unless a proxy of ours vouches for it."""

import ipaddress
import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from quart import Quart

from app.main import create_app
from app.settings import Settings, read_settings
from app.web import caller as callers
from app.web.caller import FORWARDED, REMEMBERED, Callers, caller, find_address, is_this_machine

PROXIES = read_settings({"TRUSTED_PROXIES": "10.0.0.1, 130.211.0.0/22, 34.1.2.3, fd00::/8"}).proxies
PHONE, LIE = "211.36.1.7", "1.1.1.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        (PHONE, [], PHONE),
        (PHONE, [LIE], PHONE),
        (PHONE, [f"{LIE}, 10.0.0.1"], PHONE),
        ("10.0.0.2", [LIE], "10.0.0.2"),
        ("10.0.0.1", [PHONE], PHONE),
        ("10.0.0.1", [f"{LIE}, {PHONE}"], PHONE),
        ("10.0.0.1", [LIE, PHONE], PHONE),
        ("10.0.0.1", [f" {LIE} ,\t{PHONE} "], PHONE),
        # Google's balancer appends two: who asked, and its own address.
        ("130.211.0.9", [f"{LIE}, {PHONE}, 34.1.2.3"], PHONE),
        ("130.211.0.9", [f"{LIE}, 34.1.2.3, {PHONE}, 34.1.2.3"], PHONE),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", [PHONE], PHONE),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [f"{PHONE}, garbage"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.1, 10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", [", ".join([LIE] * 5000 + [PHONE])], PHONE),
        ("", [LIE], ""),
    ],
)
def test_the_address_is_the_nearest_that_is_not_a_proxy_of_ours(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert find_address(peer, forwarded, PROXIES) == found


@pytest.mark.parametrize("peer", [PHONE, "127.0.0.1", "10.0.0.1"])
def test_without_trusted_proxies_nobody_is_believed(peer: str) -> None:
    assert find_address(peer, [LIE], Settings().proxies) == peer


def test_what_somebody_says_of_where_they_come_from_does_not_fill_our_memory() -> None:
    remembering = Callers(PROXIES)
    tracemalloc.start()
    for number in range(1, 2 * REMEMBERED):
        found = remembering.find("10.0.0.1", [f"{LIE}, " * 100 + f"2001:db8::{number:x}"])
        assert found.address == f"2001:db8::{number:x}"
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < REMEMBERED * 1000


@pytest.fixture
def app() -> Quart:
    return create_app(
        Settings(secret_key="k", password_pepper="p", data_dir="nowhere", trusted_proxies="10.0.0.1")
    )


@pytest.mark.parametrize(
    ("address", "host", "network", "many"),
    [
        (PHONE, "211.36.1.7/32", "211.36.1.0/24", False),
        ("::ffff:211.36.1.7", "211.36.1.7/32", "211.36.1.0/24", False),
        ("2406:5900:1:2:3:4:5:6", "2406:5900:1:2::/64", "2406:5900:1::/48", False),
        ("127.0.0.1", "127.0.0.1/32", "127.0.0.0/24", True),
        ("172.17.0.1", "172.17.0.1/32", "172.17.0.0/24", True),
        ("/run/shop.sock", "local", "local", True),
    ],
)
async def test_a_household_is_one_address_or_one_network_of_ipv6(
    app: Quart, address: str, host: str, network: str, *, many: bool
) -> None:
    async with app.test_request_context("/", headers={"Remote-Addr": address}):
        found = caller()
    assert (found.host, found.network, found.stands_for_many) == (part(host), part(network), many)


def part(written: str) -> str:
    """Return the bytes that all addresses of a network begin with, in hex."""
    if written == "local":
        return written
    network = ipaddress.ip_network(written)
    return network.network_address.packed[: network.prefixlen // 8].hex()


async def test_behind_a_proxy_that_nobody_named_shoppers_are_a_crowd_and_we_say_so_once(
    app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    callers._warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            headers = {"Remote-Addr": "172.17.0.1", FORWARDED: PHONE}
            async with app.test_request_context("/", headers=headers):
                assert caller().stands_for_many
    said = [record.getMessage() for record in caplog.records if "TRUSTED_PROXIES" in record.getMessage()]
    assert len(said) == 1
    assert PHONE not in said[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_ours"),
    [("127.0.0.1", "", True), ("::1", "", True), (PHONE, "", False), ("127.0.0.1", PHONE, False)],
)
async def test_whoever_a_proxy_on_this_machine_lets_through_is_not_this_machine(
    app: Quart, peer: str, forwarded: str, *, is_ours: bool
) -> None:
    """The counters are shown to this machine without a token, not to the world by way of a proxy on it."""
    headers = {FORWARDED: forwarded} if forwarded else {}
    async with app.test_request_context("/", headers={"Remote-Addr": peer, **headers}):
        assert is_this_machine() == is_ours
    headers["Remote-Addr"] = "127.0.0.1"  # as if a header could say so
    answer = await app.test_client().get("/metrics", headers=headers, scope_base={"client": (peer, 1)})
    assert answer.status_code == (200 if is_ours else 404)


ROOT = Path(__file__).parent.parent.parent


def files() -> Iterator[Path]:
    yield from (ROOT / "app").rglob("*.py")


def test_the_address_is_asked_for_in_one_place_so_that_no_other_believes_a_header() -> None:
    asks = [
        path.name
        for path in files()
        if "remote_addr" in path.read_text() or "forwarded-for" in path.read_text().lower().replace("_", "-")
    ]
    assert sorted(asks) == ["caller.py", "settings.py"]
