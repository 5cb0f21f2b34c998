"""Where a request comes from: the address of the connection, or what a proxy that we trust says of it."""

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from quart import Quart, current_app, g, request

from app.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDED = "X-Forwarded-For"
FORWARDED_BYTES = FORWARDED.lower().encode()
MOST_HOPS = 20
REMEMBERED = 4096  # callers, the last seen; half a kilobyte each
MOST_REMEMBERED = 100  # characters; a longer list of addresses is read anew each time
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


class Callers:
    """Finds out who calls, and remembers it: to read an address takes longer than to count it."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies
        self._find_again = lru_cache(maxsize=REMEMBERED)(self._find)

    def find(self, peer: str, forwarded: Sequence[str]) -> Caller:
        """Return who calls, by the connection's address and the header's values."""
        said = ",".join(forwarded)
        return (self._find_again if len(said) <= MOST_REMEMBERED else self._find)(peer, said)

    def _find(self, peer: str, said: str) -> Caller:
        return _describe(find_address(peer, [said], self._proxies) if said else peer)


def caller() -> Caller:
    """Return where the present request comes from."""
    here: Caller | None = g.get("caller")
    if here is None:
        forwarded = request.headers.getlist(FORWARDED)
        here = g.caller = _callers(current_app).find(request.remote_addr or "", forwarded)
        if here.stands_for_many and forwarded:
            _warn_once(here.address)
    return here


def find_caller(app: Quart, scope: Any) -> Caller:
    """Return where a request comes from that the shop has not seen yet."""
    sent = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == FORWARDED_BYTES]
    peer = scope.get("client") or ("",)
    return _callers(app).find(str(peer[0] or ""), sent)


def register(app: Quart, proxies: Sequence[Network]) -> None:
    """Believe these proxies, and nobody else, when they say whom they were asked by."""
    app.extensions["callers"] = Callers(proxies)


def is_this_machine() -> bool:
    """Whether a program of this machine asks, for itself and not for somebody behind it."""
    peer = _parse(request.remote_addr or "")
    return peer is not None and peer.is_loopback and FORWARDED not in request.headers


def find_address(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return the nearest address that is not one of our proxies'.

    Each proxy appends whom it was asked by, so the list is read from its end; what stands before the first
    stranger, the stranger may have written.
    """
    found = peer
    for word in reversed(",".join(forwarded).split(",")[-MOST_HOPS:]):
        address = _parse(found)
        if address is None or not any(address in network for network in proxies):
            break
        if _parse(word.strip()) is None:
            break
        found = word.strip()
    return found


def _describe(text: str) -> Caller:
    address = _parse(text)
    if address is None:  # a socket without a network
        return Caller("local", "local", "local", stands_for_many=True)
    host, network = (address.packed[: size[address.version]].hex() for size in (HOST_BYTES, NETWORK_BYTES))
    return Caller(str(address), host, network, stands_for_many=not address.is_global)


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


def _callers(app: Quart) -> Callers:
    callers: Callers = app.extensions["callers"]
    return callers
