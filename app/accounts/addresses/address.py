"""A member's saved address, as the shop works with it. Nothing here changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Who gets the goods, and where."""

    recipient_name: str
    recipient_phone: str
    postcode: str
    address1: str
    address2: str


@dataclass(frozen=True, slots=True)
class Address:
    """A place that a member has saved, and the number it has in addresses of pages."""

    address_no: str
    place: Place
    is_default: bool
