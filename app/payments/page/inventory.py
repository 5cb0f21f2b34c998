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
        digest="38278e0a6695914d75564b7a6e8c1cda856104dc6cc05ef4d3e25760da0922a0",
        purpose="says failures aloud, keeps the focus, turns quantity buttons; on every page",
        authorised_by=SHOP_OWNER,
    ),
    Script(
        source="js/payment.js",
        digest="df488920160b533dc9f8242ec411a8377311fece7324a082cadcf1f66de0d598",
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
