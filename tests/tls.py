"""The shop served in the loop of a test, over TLS too, where HTTP/2 lives, on machines that others use."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypercorn.asyncio import serve

from app.main import create_app
from app.server import configure
from app.settings import Settings
from sandbox import children


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock, and in which protocol."""

    host: str
    port: int
    protocol: str  # h1, h2
    tls: ssl.SSLContext | None = None

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"


@asynccontextmanager
async def serving_here(settings: Settings, certificate: Path | None = None) -> AsyncIterator[int]:
    """Serve the shop in this loop, where a test can reach into it; yield the port on loopback."""
    config = configure(settings)
    port = children.free_port()
    config.bind = [f"{children.LOOPBACK}:{port}"]
    if certificate:
        config.certfile, config.keyfile = str(certificate), str(certificate.with_suffix(".key"))
    stopping = asyncio.Event()
    server = asyncio.create_task(serve(create_app(settings), config, shutdown_trigger=stopping.wait))
    yield port
    stopping.set()
    await server


@asynccontextmanager
async def serving_h2(settings: Settings, folder: Path) -> AsyncIterator[Door]:
    """Serve the shop in this loop, with TLS."""
    certificate = folder / "tls.crt"
    _write_certificate(certificate, certificate.with_suffix(".key"))
    tls = ssl.create_default_context(cafile=certificate)
    tls.set_alpn_protocols(["h2"])
    async with serving_here(settings, certificate) as port:
        yield Door(children.LOOPBACK, port, "h2", tls)


def _write_certificate(certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the shop under test")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(children.LOOPBACK))]), critical=False
        )
    )
    certificate.write_bytes(builder.sign(secret, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(secret.private_bytes(*form))
