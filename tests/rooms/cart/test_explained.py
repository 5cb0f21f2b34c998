"""The cart explains itself: what changed since goods were put in, and what is missing for free delivery."""

import re
import secrets

from app.cart import service
from app.cart.hot import Edit, HotCarts
from app.cart.view import CartLine
from tests.desk import text
from tests.goods import change, mug
from tests.shop import Shop, Visitor, eventually


def owner() -> str:
    return f"g:{secrets.token_hex(20)}"


async def line_of(shop: Shop, who: str, product: int) -> CartLine:
    line = (await service.view(shop.m, who)).line(product)
    assert line is not None
    return line


async def shows(shop: Shop, who: str, product: int, price: int) -> None:
    """Wait until the cart has heard of a new price: products are kept for a second."""

    async def heard() -> bool:
        return (await line_of(shop, who, product)).price == price

    await eventually(heard)


async def put(visitor: Visitor, product: int, quantity: int = 1) -> None:
    await visitor.post("/cart/lines", product_id=product, quantity=quantity, key="")


async def test_a_price_that_moved_is_told_with_the_one_it_was_put_in_at(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m, price=12_000)
    await put(guest, product)
    page = ""

    async def moved() -> bool:
        nonlocal page
        page = await text(await guest.get("/cart"))
        return "14,000원" in page

    assert "담으신 뒤에" not in await text(await guest.get("/cart"))
    await change(shop.m, product, price=14_000)
    await eventually(moved)
    assert re.search(r"<del>.*12,000원</del>", page)
    assert "담으신 뒤에 값이 2,000원 올랐습니다." in page
    await change(shop.m, product, price=11_000)
    await eventually(lambda: _says(guest, "담으신 뒤에 값이 1,000원 내렸습니다."))


async def _says(visitor: Visitor, sentence: str) -> bool:
    return sentence in await text(await visitor.get("/cart"))


async def test_whoever_puts_more_in_has_seen_the_new_price(shop: Shop) -> None:
    who, product = owner(), await mug(shop.m, price=12_000)
    await service.add_line(shop.m, who, product, 1, "")
    await change(shop.m, product, price=14_000)
    await shows(shop, who, product, 14_000)
    await service.set_quantity(shop.m, who, product, 2)
    assert (await line_of(shop, who, product)).price_then == 12_000
    await service.add_line(shop.m, who, product, 1, "")
    assert (await line_of(shop, who, product)).price_then == 0


async def test_a_price_is_remembered_over_a_removal_that_is_undone_and_gone_with_what_is_paid(
    shop: Shop,
) -> None:
    who, product = owner(), await mug(shop.m, price=12_000)
    await service.add_line(shop.m, who, product, 1, "")
    await service.remove_line(shop.m, who, product)
    await service.undo(shop.m, who)
    hot = await shop.m.keep(HotCarts).edit(who, Edit("read"))
    assert hot.prices == {product: 12_000}
    await service.clear_paid_hot(shop.m, who, hot.snapshot.last)
    assert (await shop.m.keep(HotCarts).edit(who, Edit("read"))).prices == {}


async def test_nothing_is_claimed_of_goods_that_came_from_another_cart(shop: Shop) -> None:
    """The member once put the same mug in for less; what the guest paid attention to is not known here."""
    guest, member, product = owner(), f"u:{secrets.randbelow(10**12) + 1}", await mug(shop.m, price=9_000)
    await service.add_line(shop.m, member, product, 1, "")
    await service.remove_line(shop.m, member, product)
    await change(shop.m, product, price=12_000)
    await service.add_line(shop.m, guest, product, 2, "")
    await service.merge_guest(shop.m, guest, member)
    assert (await line_of(shop, member, product)).price_then == 0


async def test_fewer_left_than_wanted_is_mended_by_one_press_without_scripts(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m, quantity=5)
    await put(guest, product, 4)
    await change(shop.m, product, quantity=2)
    await eventually(lambda: _says(guest, "남은 수량은 2개입니다."))
    page = await text(await guest.get("/cart"))
    [button] = re.findall(r'<button[^>]*form="cart-step-\d+"[^>]*value="(\d+)"[^>]*>2개로 줄이기', page)
    await guest.post(f"/cart/lines/{product}", quantity=button)
    assert "남은 수량은" not in await text(await guest.get("/cart"))


async def test_what_is_missing_for_free_delivery_is_said_and_drawn(shop: Shop) -> None:
    guest, product = shop.visitor(), await mug(shop.m, price=20_000)
    await put(guest, product)
    page = await text(await guest.get("/cart"))
    assert "30,000원 더 담으시면 배송비가 없습니다." in page
    assert '<progress aria-labelledby="cart-missing" max="50000" value="20000">' in page
    await put(guest, product, 2)
    page = await text(await guest.get("/cart"))
    assert "<progress" not in page
    assert "<dd>무료</dd>" in page
