"""Addresses that members save: kept, corrected, chosen as the default, forgotten."""

from app.accounts.addresses import store
from app.accounts.addresses.address import Address, Place
from app.core.errors import ConflictError, NotFoundError
from app.core.languages import _, marked
from app.infra.db import Tx

MOST = 20
GONE = marked("배송지를 찾을 수 없습니다. 이미 지우셨을 수 있습니다.")


class AddressesFullError(ConflictError):
    """A member has as many addresses as are kept."""

    title = marked("배송지를 더 저장할 수 없습니다")
    default_say = marked("배송지를 더 저장할 수 없습니다. 쓰지 않는 배송지를 먼저 지워 주십시오.")


async def read_addresses(tx: Tx, user_id: int) -> list[Address]:
    """Return a member's addresses: the default one first, then the newest."""
    return await store.select_addresses(tx, user_id)


async def read_address(tx: Tx, user_id: int, address_no: str) -> Address:
    """Return one of a member's addresses. Raises NotFoundError, also for somebody else's."""
    for address in await store.select_addresses(tx, user_id):
        if address.address_no == address_no:
            return address
    raise NotFoundError("address", say=_(GONE))


async def add_address(tx: Tx, user_id: int, place: Place) -> None:
    """Keep an address; the first is the default one, and one that is kept already stays as it is.

    Raises AddressesFullError, and NotFoundError when the account was closed meanwhile.
    """
    kept = await _hold(tx, user_id)
    if place in {address.place for address in kept}:
        return
    if len(kept) >= MOST:
        raise AddressesFullError("addresses")
    await store.insert_address(tx, user_id, place, is_default=not kept)


async def change_address(tx: Tx, user_id: int, address_no: str, place: Place) -> None:
    """Correct an address. Raises NotFoundError, also for somebody else's."""
    await _hold(tx, user_id)
    if not await store.update_place(tx, user_id, address_no, place):
        raise NotFoundError("address", say=_(GONE))


async def choose_default(tx: Tx, user_id: int, address_no: str) -> None:
    """Make an address the one the checkout begins with. Raises NotFoundError, also for somebody else's."""
    if address_no not in {address.address_no for address in await _hold(tx, user_id)}:
        raise NotFoundError("address", say=_(GONE))
    await store.update_default(tx, user_id, address_no)


async def remove_address(tx: Tx, user_id: int, address_no: str) -> None:
    """Forget an address; after the default one the newest takes its place.

    Raises NotFoundError, also for somebody else's.
    """
    await _hold(tx, user_id)
    if not await store.delete_address(tx, user_id, address_no):
        raise NotFoundError("address", say=_(GONE))
    left = await store.select_addresses(tx, user_id)
    if left and not left[0].is_default:
        await store.update_default(tx, user_id, left[0].address_no)


async def _hold(tx: Tx, user_id: int) -> list[Address]:
    """Return a member's addresses, which nobody else changes meanwhile. Raises NotFoundError."""
    if not await store.hold_user(tx, user_id):
        raise NotFoundError("closed account")
    return await store.select_addresses(tx, user_id)
