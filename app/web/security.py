"""The headers that tell a browser what our pages never do."""

from urllib.parse import urlsplit

from quart import Quart, Response, g, request

from app.settings import Settings
from app.web.assets import Assets

TOSS_FRAMES = "https://*.tosspayments.com https://*.toss.im"
HSTS = "max-age=63072000; includeSubDomains"


def register(app: Quart, settings: Settings, assets: Assets) -> None:
    """Put the headers on every answer."""
    plain = _policy(assets.critical_hash)
    paying = _paying_policy(assets.critical_hash, settings.toss_sdk_url)

    async def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = paying if g.get("embeds_toss") else plain
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "same-origin")
        headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if settings.is_https:
            headers["Strict-Transport-Security"] = HSTS
        if not request.path.startswith(("/static/", "/pictures/")):
            headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(add_headers)


def allow_toss() -> None:
    """Let this one answer embed the Toss widget."""
    g.embeds_toss = True


def _policy(style_hash: str) -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{style_hash}'; "
        "img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _paying_policy(style_hash: str, sdk_url: str) -> str:
    # Toss publishes no list; these are the origins its widget was seen to use.
    parts = urlsplit(sdk_url)
    sdk = f"{parts.scheme}://{parts.netloc}"
    toss = sdk if not parts.netloc.endswith("tosspayments.com") else f"{sdk} {TOSS_FRAMES}"
    return (
        f"default-src 'none'; script-src 'self' {sdk}; style-src 'self' 'sha256-{style_hash}' {sdk}; "
        f"img-src 'self' data: {toss}; connect-src 'self' {toss}; frame-src {toss}; font-src {toss}; "
        f"form-action 'self' {toss}; base-uri 'none'; frame-ancestors 'none'"
    )
