"""python -m bench.tls FOLDER: one web process of the shop behind TLS, as phones talk to it, and bare pages.

``/bare/<bytes>`` is a page that weighs as much on the wire and that nobody has to make: beside it stands what
a page of the shop costs. The certificate in FOLDER is made here and trusted by nobody.
"""

import asyncio
import base64
import datetime as dt
import ipaddress
import os
import secrets
import signal
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from app.main import create_app
from app.server import configure
from app.settings import read_settings

BARE = "/bare/"
HEAD = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>bare</title>'
BODY = "<h1>As many bytes, and nothing else</h1><!--"


def make_certificate(folder: Path) -> None:
    """Write cert.pem and key.pem for this machine's loopback address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def bare_page(size: int) -> bytes:
    """Return a page of so many bytes that no packing would make smaller."""
    noise = base64.b64encode(secrets.token_bytes(size)).decode()
    return f"{HEAD}{BODY}{noise}"[: size - 3].encode() + b"-->"


def with_bare_pages(shop: ASGIFramework) -> ASGIFramework:
    """Answer for bare pages; leave everything else to the shop."""

    async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(BARE):
            await shop(scope, receive, send)
            return
        body = bare_page(int(scope["path"].removeprefix(BARE)))
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


async def _serve(folder: Path) -> None:
    settings = read_settings(os.environ)
    config = configure(settings)
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(with_bare_pages(create_app(settings)), config, shutdown_trigger=stopping.wait)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
