"""What a browser is told that our pages never do: the headers of every answer; pure."""

import base64
import hashlib
from urllib.parse import urlsplit

REPORTS = "/csp-reports"
# Toss publishes no list; these are the origins its widget was seen to use.
TOSS_HOSTS = ("https://*.tosspayments.com", "https://*.toss.im")
TOSS_DOMAIN = "tosspayments.com"

# Pictures, scripts, redirects: nothing that a browser should ever run as a page.
BARE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # frame-ancestors says it to browsers; this, to those who ask for it by name
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}

# Toss's window may be a pop-up, and must be able to answer.
OPENER = {"Cross-Origin-Opener-Policy": "same-origin-allow-popups"}
NEVER_USED = (
    "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), "
    "gyroscope=(), hid=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), screen-wake-lock=(), "
    "serial=(), usb=()"
)


def hash_style(css: str) -> str:
    """Return the name by which a policy allows one inline style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}'"


def plain_page(style: str) -> dict[str, str]:
    """Return the headers of a page of ours; ``style`` names its inline style sheet."""
    return _page(
        f"default-src 'none'; script-src 'self'; style-src 'self' {style}; img-src 'self' data:; "
        # Text becomes a page's only as the policy in shop.js lets it. Toss's script is not ours to bind so.
        "connect-src 'self'; form-action 'self'; require-trusted-types-for 'script'; trusted-types default",
        "payment=()",
    )


def payment_page(style: str, sdk_url: str) -> dict[str, str]:
    """Return the headers of the one page that embeds Toss's widget, loaded from ``sdk_url``."""
    parts = urlsplit(sdk_url)
    sdk = f"{parts.scheme}://{parts.netloc}"
    is_theirs = parts.hostname == TOSS_DOMAIN or (parts.hostname or "").endswith(f".{TOSS_DOMAIN}")
    hosts = (sdk, *TOSS_HOSTS) if is_theirs else (sdk,)
    toss = " ".join(hosts)
    quoted = " ".join(f'"{host}"' for host in hosts)
    return _page(
        f"default-src 'none'; script-src 'self' {sdk}; style-src 'self' {style} {sdk}; "
        f"img-src 'self' data: {toss}; connect-src 'self' {toss}; frame-src {toss}; font-src {toss}; "
        f"form-action 'self' {toss}",
        f"payment=(self {quoted})",
    )


def _page(policy: str, payment: str) -> dict[str, str]:
    return {
        **ALWAYS,
        **OPENER,
        "Content-Security-Policy": f"{policy}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        # Not report-to: a browser that knows both sends to that one only, later, and over TLS only.
        f"report-uri {REPORTS}",
        "Permissions-Policy": f"{NEVER_USED}, {payment}",
    }
