"""Where a request comes from: the address of the connection, or what a proxy that we trust says of it."""

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from quart import current_app, g, request

from app.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDED = "X-Forwarded-For"
FORWARDED_BYTES = FORWARDED.lower().encode()
MOST_HOPS = 20
# Bytes of an address. What one household has: an address, or with IPv6 as many as it likes of a /64.
HOST_BYTES = {4: 4, 6: 8}
NETWORK_BYTES = {4: 3, 6: 6}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as an address can tell.

    ``address`` is what logs keep; ``host`` and ``network`` are what it is counted by (bytes, in hex).
    ``stands_for_many``: this machine, its containers or the office's network. Shoppers have such an address
    only behind a proxy that TRUSTED_PROXIES does not name, and then they all have the same one.
    """

    address: str
    host: str
    network: str
    stands_for_many: bool


def caller() -> Caller:
    """Return where the present request comes from."""
    here: Caller | None = g.get("caller")
    if here is None:
        forwarded = request.headers.getlist(FORWARDED)
        found = find_address(request.remote_addr or "", forwarded, current_app.extensions["proxies"])
        here = g.caller = _describe(found)
        if here.stands_for_many and forwarded:
            _warn_once(here.address)
    return here


def find_caller(scope: Any, proxies: Sequence[Network]) -> Caller:
    """Return where a request comes from that the shop has not seen yet."""
    sent = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == FORWARDED_BYTES]
    peer = scope.get("client") or ("",)
    return _describe(find_address(str(peer[0] or ""), sent, proxies))


def is_this_machine() -> bool:
    """Whether a program of this machine asks, for itself and not for somebody behind it."""
    peer = _parse(request.remote_addr or "")
    return peer is not None and peer.is_loopback and FORWARDED not in request.headers


def find_address(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return the nearest address that is not one of our proxies'.

    Each proxy appends whom it was asked by, so the list is read from its end; what stands before the first
    stranger, the stranger may have written.
    """
    return _find(peer, ",".join(forwarded), tuple(proxies)) if forwarded else peer


@lru_cache(maxsize=10_000)
def _find(peer: str, forwarded: str, proxies: tuple[Network, ...]) -> str:
    found = peer
    for word in reversed(forwarded.split(",")[-MOST_HOPS:]):
        address = _parse(found)
        if address is None or not any(address in network for network in proxies):
            break
        if _parse(word.strip()) is None:
            break
        found = word.strip()
    return found


@lru_cache(maxsize=10_000)
def _describe(text: str) -> Caller:
    address = _parse(text)
    if address is None:  # a socket without a network
        return Caller("local", "local", "local", stands_for_many=True)
    host, network = (address.packed[: size[address.version]].hex() for size in (HOST_BYTES, NETWORK_BYTES))
    return Caller(str(address), host, network, stands_for_many=not address.is_global)


@lru_cache(maxsize=10_000)
def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1)
def _warn_once(host: str) -> None:
    log.warning("%s forwards requests, and TRUSTED_PROXIES does not name it: all have its address", host)
