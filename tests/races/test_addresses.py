"""Fifty at once at a member's saved addresses: never a twenty-first, never two that lead, none lost."""

from typing import Any

from app.accounts.service import MOST_ADDRESSES
from tests.races.crowd import UNAVAILABLE, at_once, races
from tests.rooms.accounts.test_addresses import HOME, TYPED, member, saved, text
from tests.shop import Shop
from tests.village import save_address


@races("addresses.add_address")
async def test_fifty_at_once_keep_twenty_and_one_is_the_default(shop: Shop) -> None:
    person, visitor = await member(shop)
    token = await visitor.token()

    async def add(number: int) -> Any:
        return await visitor.post(f"{HOME}/new", csrf=token, **{**TYPED, "address2": f"{number}호"})

    statuses = await at_once(add)
    assert set(statuses) <= {303, 409, UNAVAILABLE}
    kept = await saved(shop, person)
    assert len(kept) == min(statuses.count(303), MOST_ADDRESSES) > 0
    assert [one.is_default for one in kept] == [True] + [False] * (len(kept) - 1)
    while len(await saved(shop, person)) < MOST_ADDRESSES:
        await save_address(shop.m, person.user_id)
    answer = await visitor.post(f"{HOME}/new", **{**TYPED, "address2": "한 집 더"})
    page = await text(answer)
    assert (answer.status_code, "더 저장할 수 없습니다" in page, "한 집 더" in page) == (409, True, True)
    assert f"{HOME}/new" not in await text(await visitor.get(HOME))


@races("addresses.change_address", "addresses.choose_default", "addresses.remove_address")
async def test_whatever_fifty_tabs_do_at_once_one_address_is_the_default(shop: Shop) -> None:
    """Corrections, choices and removals of six addresses: none is lost but those removed, and no two lead."""
    person, visitor = await member(shop)
    numbers = [await save_address(shop.m, person.user_id) for _ in range(6)]
    token = await visitor.token()

    async def press(number: int) -> Any:
        what = ("", "/default", "/default", "/default", "/removal")[number % 5]
        address_no = numbers[number % 3 if what == "/removal" else number % 6]
        return await visitor.post(
            f"{HOME}/{address_no}{what}", csrf=token, **{**TYPED, "address2": str(number)}
        )

    assert set(await at_once(press)) <= {303, 404, UNAVAILABLE}
    kept = await saved(shop, person)
    assert set(numbers[3:]) <= {one.address_no for one in kept} <= set(numbers)
    assert [one.is_default for one in kept] == [True] + [False] * (len(kept) - 1)
