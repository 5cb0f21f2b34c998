"""The shop over TLS, where HTTP/2 lives: Hypercorn with a certificate, on machines that others use."""

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
async def serving_h2(settings: Settings, folder: Path) -> AsyncIterator[Door]:
    """Serve the shop in this loop, with TLS."""
    config = configure(settings)
    port = children.free_port()
    config.bind = [f"{children.LOOPBACK}:{port}"]
    config.certfile, config.keyfile = str(folder / "tls.crt"), str(folder / "tls.key")
    _write_certificate(Path(config.certfile), Path(config.keyfile))
    stopping = asyncio.Event()
    server = asyncio.create_task(serve(create_app(settings), config, shutdown_trigger=stopping.wait))
    tls = ssl.create_default_context(cafile=config.certfile)
    tls.set_alpn_protocols(["h2"])
    yield Door(children.LOOPBACK, port, "h2", tls)
    stopping.set()
    await server


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
