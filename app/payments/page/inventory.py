"""Every script of the payment page: where it comes from, what it is for, and who said that it may run there.

A test compares the page with this list, and the shop compares the page that shoppers really get. Whoever
changes a script renews its digest here, and puts their name to it.
"""

from dataclasses import dataclass

TOSS = "toss"
SHOP_OWNER = "the shop's owner, with release 1.0"


@dataclass(frozen=True, slots=True)
class Script:
    """One script. Ours have a digest (SHA-256); Toss changes its own without telling."""

    source: str  # a path under app/static, or TOSS: the address in TOSS_SDK_URL
    digest: str
    purpose: str
    authorised_by: str


SCRIPTS = (
    Script(
        source="js/shop.js",
        digest="c161c319fbd493b868cc85ea6fc8dc5c286462b4165865f58bf84ec6b5113106",
        purpose="says failures aloud, keeps the focus, turns quantity buttons; on every page",
        authorised_by=SHOP_OWNER,
    ),
    Script(
        source="js/payment.js",
        digest="5552f7c1a7ce3c9526a50f3ec2f9e4c583ba4ef7560cba3a053f12834ab7d184",
        purpose="loads Toss's script, draws its widget, and opens its window with the order's number and sum",
        authorised_by=SHOP_OWNER,
    ),
    Script(
        source=TOSS,
        digest="",
        purpose="Toss Payments' SDK: draws the ways to pay in frames of Toss, where cards are typed in",
        authorised_by="the shop's owner, by the contract with Toss Payments",
    ),
)
