"""Passkeys (WebAuthn): what the browser is asked, and whether its answer is right.

The library is loaded with the first question: it takes 13 MB of every process, and operators ask one.
"""

import ipaddress
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.settings import Settings

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

# What a sound library raises, besides its own errors, for what is no answer at all.
NONSENSE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Site:
    """The shop, as a passkey is bound to it."""

    host: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key's public half."""

    credential_id: str
    public_key: str
    sign_count: int


def site_of(settings: Settings) -> Site | None:
    """Return the shop as passkeys know it; None at a bare address, where browsers make none."""
    parts = urlsplit(settings.base_url)
    host = parts.hostname or ""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return None
    return Site(host, settings.shop_name, f"{parts.scheme}://{parts.netloc}")


def registration_options(site: Site, signup_id: str, challenge: bytes, known: Sequence[Passkey]) -> str:
    """Return what the browser makes a new passkey from, as JSON."""
    import webauthn  # noqa: PLC0415 - as said above
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_name=signup_id,
        user_id=signup_id.encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.PREFERRED),
        exclude_credentials=[_descriptor(one) for one in known],
    )
    return webauthn.options_to_json(options)


def request_options(site: Site, challenge: bytes, known: Sequence[Passkey]) -> str:
    """Return what the browser asks one of the known passkeys with, as JSON."""
    import webauthn  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, allow_credentials=[_descriptor(one) for one in known]
    )
    return webauthn.options_to_json(options)


def read_registration(site: Site, answer: str, challenge: bytes) -> Passkey | None:
    """Return the passkey that was made; None when the answer is not to this question."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import bytes_to_base64url  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except (WebAuthnException, *NONSENSE):
        return None
    return Passkey(
        bytes_to_base64url(made.credential_id),
        bytes_to_base64url(made.credential_public_key),
        made.sign_count,
    )


def named_in(answer: str) -> str:
    """Return the id of the passkey an answer says it is of; '' when it says nothing sound."""
    try:
        return str(json.loads(answer)["id"])
    except NONSENSE:
        return ""


def check_answer(site: Site, answer: str, challenge: bytes, passkey: Passkey) -> int | None:
    """Return the passkey's new count of signatures; None when the answer is not its own to this question."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        right = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except (WebAuthnException, *NONSENSE):
        return None
    return right.new_sign_count


def _descriptor(passkey: Passkey) -> "PublicKeyCredentialDescriptor":
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor  # noqa: PLC0415

    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))
