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
        source="vendor/htmx-4.0.1.min.js",
        digest="a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
        purpose="sends forms and changes parts of a page in place; on every page",
        authorised_by=SHOP_OWNER,
    ),
    Script(
        source="js/shop.js",
        digest="f5496bc64210f549a9b2e18daef612edc4dc4db25cd3f35b38360399ef38c7fb",
        purpose="says failures aloud, keeps the focus, turns quantity buttons; on every page",
        authorised_by=SHOP_OWNER,
    ),
    Script(
        source="js/payment.js",
        digest="89134a64337b08d33294234d3063bb472e34dbfd5cdb4709f5e71f8bb4692dc2",
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
