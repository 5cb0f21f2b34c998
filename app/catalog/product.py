"""A product: as the rest of the shop knows it, as a card in a list, as its own page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

ON_SALE = "on_sale"
MOST_PER_LINE = 99
FEW = 3


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the catalogue. The options of one article are products of one group."""

    product_id: int
    name: str
    price: int
    category: str
    country: str
    manufacturer: str
    quantity: int
    description: str
    list_price: int | None
    group_id: int | None
    option_label: str
    image: str
    status: str
    version: int

    @property
    def sold_out(self) -> bool:
        """Whether none is left."""
        return self.quantity == 0

    @property
    def picture(self) -> str:
        """The address of its picture."""
        return picture_url(self.image)


@dataclass(frozen=True, slots=True)
class ProductCard:
    """An article in a list. It stands for all its options: ``quantity`` is what is left of any of them."""

    product_id: int
    name: str
    option_label: str
    price: int
    list_price: int | None
    category: str
    image: str
    quantity: int
    group_id: int | None
    created_at: datetime
    options: int = 1

    @property
    def sold_out(self) -> bool:
        """Whether none is left, of no option."""
        return self.quantity == 0

    @property
    def few_left(self) -> int:
        """How many are left when that is worth saying, else 0."""
        return few_left(self.quantity)

    @property
    def picture(self) -> str:
        """The address of its picture."""
        return picture_url(self.image)


@dataclass(frozen=True, slots=True)
class Option:
    """One of the options of an article, as a link on its page."""

    product_id: int
    label: str
    price: int
    sold_out: bool
    current: bool


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Everything a product's own page says."""

    product_id: int
    name: str
    option_label: str
    price: int
    list_price: int | None
    category: str
    picture: str
    quantity: int
    sold_out: bool
    few_left: int
    description: str
    country: str
    manufacturer: str
    max_quantity: int
    options: tuple[Option, ...]
    neighbours: tuple[ProductCard, ...]


def show_product(
    product: Product, siblings: list[Product], neighbours: Sequence[ProductCard] = ()
) -> ProductPage:
    """Return the page of a product; ``siblings`` are all options of its article, itself included."""
    options = [
        Option(
            one.product_id, one.option_label, one.price, one.sold_out, one.product_id == product.product_id
        )
        for one in siblings
    ]
    return ProductPage(
        product_id=product.product_id,
        name=product.name,
        option_label=product.option_label,
        price=product.price,
        list_price=product.list_price,
        category=product.category,
        picture=product.picture,
        quantity=product.quantity,
        sold_out=product.sold_out,
        few_left=few_left(product.quantity),
        description=product.description,
        country=product.country,
        manufacturer=product.manufacturer,
        max_quantity=min(product.quantity, MOST_PER_LINE),
        options=tuple(options) if len(options) > 1 else (),
        neighbours=tuple(neighbours),
    )


def few_left(quantity: int) -> int:
    """Return the quantity when it is small enough to be worth saying, else 0."""
    return quantity if quantity <= FEW else 0


def picture_url(image: str) -> str:
    """Return the address of a picture file."""
    return f"/pictures/{image}"
