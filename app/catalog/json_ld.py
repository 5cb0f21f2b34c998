"""The product page as search engines read it: schema.org Product and Offer, as JSON-LD."""

import json

from app.catalog.product import ProductPage
from app.core.languages import find

SCHEMA = "https://schema.org"


def describe_product(product: ProductPage, base_url: str) -> str:
    """Return the JSON that stands inside the page's script element."""
    url = f"{base_url}/products/{product.product_id}"
    availability = "OutOfStock" if product.sold_out else "InStock"
    what = {
        "@context": SCHEMA,
        "@type": "Product",
        "name": f"{find(product.name)} {find(product.option_label)}".strip(),
        "sku": str(product.product_id),
        "description": find(product.description),
        "image": base_url + product.picture,
        "category": find(product.category),
        "countryOfOrigin": find(product.country),
        "manufacturer": {"@type": "Organization", "name": find(product.manufacturer)},
        "offers": {
            "@type": "Offer",
            "url": url,
            "priceCurrency": "KRW",
            "price": product.price,
            "availability": f"{SCHEMA}/{availability}",
            "itemCondition": f"{SCHEMA}/NewCondition",
        },
    }
    # A "<" of a seller's text must not end the script element.
    return json.dumps(what, ensure_ascii=False).replace("<", "\\u003c")
