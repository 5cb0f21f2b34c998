"""Who sells, as every page says it. A shop that takes no money names nobody real, and says so."""

import dataclasses
from typing import Any

from app.settings import Settings

# Stands where a shop that is only being tried out has nothing; nobody could take it for somebody.
EXAMPLE = {
    "representative": "홍길동(예시)",
    "business_number": "000-00-00000",
    "mail_order_number": "제0000-예시-0000호",
    "mail_order_office": "예시구청",
    "address": "서울특별시 예시구 예시로 1",
    "phone": "02-0000-0000",
    "email": "hello@shop.example",
    "hosting": "예시 호스팅",
    "privacy_officer": "홍길동(예시)",
}


def describe(settings: Settings) -> dict[str, Any]:
    """Return what pages say of the shop: ``is_example`` where some of it is made up."""
    facts: dict[str, Any] = {
        row.name.removeprefix("shop_"): getattr(settings, row.name)
        for row in dataclasses.fields(settings)
        if row.name.startswith("shop_")
    }
    if not settings.takes_money:
        facts |= {name: word for name, word in EXAMPLE.items() if not facts[name]}
    return {
        **facts,
        "complaint_address": facts["complaint_address"] or facts["address"],
        "is_example": not settings.takes_money,
        "delivery_fee": settings.delivery_fee,
        "free_delivery_from": settings.free_delivery_from,
    }
