"""Whole won: the VAT inside a total, the fee for delivery, one price everywhere."""

import pytest

from app.cart.snapshot import SnapLine, Snapshot
from app.catalog.product import Product
from app.checkout import pricing
from app.core.money import format_won, split_vat
from app.settings import Settings

SETTINGS = Settings(delivery_fee=3_000, free_delivery_from=50_000)


def goods(product_id: int, price: int, quantity: int = 100) -> Product:
    return Product(
        product_id,
        f"물건 {product_id}",
        price,
        "",
        "",
        "",
        quantity,
        "",
        None,
        None,
        "",
        "x.svg",
        "on_sale",
        1,
    )


def cart_of(*lines: tuple[int, int], stamp: int = 7) -> Snapshot:
    return Snapshot("g:x", stamp, 0, tuple(SnapLine(product, quantity, stamp) for product, quantity in lines))


@pytest.mark.parametrize(
    ("total", "supply_price", "vat"),
    [(50_000, 45_455, 4_545), (11_111, 10_101, 1_010), (9_026, 8_205, 821), (0, 0, 0), (1, 1, 0), (6, 5, 1)],
)
def test_vat_is_an_eleventh_as_toss_rounds_it(total: int, supply_price: int, vat: int) -> None:
    assert split_vat(total) == (supply_price, vat)


def test_won_are_written_as_koreans_write_them() -> None:
    assert format_won(1_234_567) == "1,234,567원"


@pytest.mark.parametrize(
    ("price", "quantity", "fee"), [(49_999, 1, 3_000), (50_000, 1, 0), (25_000, 2, 0), (24_999, 2, 3_000)]
)
def test_delivery_is_free_from_fifty_thousand_won(price: int, quantity: int, fee: int) -> None:
    cart = pricing.price(cart_of((1, quantity)), {1: goods(1, price)}, SETTINGS)
    assert (cart.items_price, cart.delivery_fee) == (price * quantity, fee)
    assert cart.total_price == price * quantity + fee


def test_a_frozen_line_is_what_it_was() -> None:
    known = {1: goods(1, 12_000), 2: goods(2, 500)}
    cart = pricing.price(cart_of((1, 2), (2, 3)), known, SETTINGS)
    lines = pricing.freeze(cart, known)
    assert [(line.product_id, line.price, line.quantity, line.amount) for line in lines] == [
        (1, 12_000, 2, 24_000),
        (2, 500, 3, 1_500),
    ]
    assert sum(line.amount for line in lines) == cart.items_price


def test_what_is_paid_for_is_not_ordered_again() -> None:
    snapshot = Snapshot("g:x", 9, 0, (SnapLine(1, 1, 5), SnapLine(2, 1, 9)))
    assert [line.product_id for line in pricing.drop_paid(snapshot, 5).live] == [2]
    assert pricing.drop_paid(snapshot, 0) == snapshot


@pytest.mark.parametrize(
    ("stock", "wanted", "can"), [(2, 2, True), (1, 2, False), (0, 1, False)], ids=["ok", "short", "sold out"]
)
def test_only_a_cart_that_can_be_had_is_ordered(stock: int, wanted: int, can: object) -> None:
    cart = pricing.price(cart_of((1, wanted)), {1: goods(1, 1_000, stock)}, SETTINGS)
    assert cart.can_checkout is can


def test_a_product_that_is_gone_costs_nothing_and_stops_the_order() -> None:
    cart = pricing.price(cart_of((1, 1), (2, 1)), {1: goods(1, 1_000)}, SETTINGS)
    assert (cart.items_price, cart.can_checkout) == (1_000, False)
