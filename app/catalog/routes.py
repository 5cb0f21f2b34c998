"""The doors to the lists and the product pages."""

import unicodedata
from urllib.parse import urlencode

from markupsafe import Markup
from quart import Blueprint, Response, request

from app.catalog import paging, service
from app.catalog.json_ld import describe_product
from app.catalog.product import ProductPage
from app.core.languages import _
from app.web.current import machines
from app.web.guards import anyone
from app.web.htmx import respond_to_all

blueprint = Blueprint("catalog", __name__)


@blueprint.get("/products")
@anyone
async def show_products() -> Response:
    """Show a list: of one category or of the whole shop, sorted, a page at a time."""
    category = unicodedata.normalize("NFC", request.args.get("category", "")).strip()
    sort = paging.read_sort(request.args.get("sort", ""))
    page = await service.find_page(machines(), category, sort, request.args.get("after", ""))
    chosen = {"category": category, "sort": "" if sort is paging.NEWEST else sort.key}
    return await respond_to_all(
        "catalog/list.html",
        category=category or None,
        categories=await service.find_categories(machines()),
        sort=sort.key,
        sorts=[(one.key, _(one.label)) for one in paging.SORTS],
        cards=page.cards,
        next_url=_list_url(**chosen, after=page.next_cursor) if page.next_cursor else None,
        first_url=None if page.is_first else _list_url(**chosen),
    )


@blueprint.get("/products/<int:product_id>")
@anyone
async def show_product(product_id: int) -> Response:
    """Show one product."""
    product = await service.find_product_page(machines(), product_id)
    return await respond_to_all("catalog/product.html", product=product, describe=_describe)


def _describe(product: ProductPage) -> Markup:
    json_ld = describe_product(product, machines().settings.base_url)
    return Markup(f'<script type="application/ld+json">{json_ld}</script>')  # nosec B704 # noqa: S704 - "<" is escaped in it


def _list_url(**what: str) -> str:
    query = urlencode({name: value for name, value in what.items() if value})
    return f"/products?{query}" if query else "/products"
