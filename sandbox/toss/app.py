"""The stand-in for Toss Payments: API, widget, payment window, webhooks and a desk, served on loopback."""

import asyncio
import socket
from pathlib import Path

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config as ServerConfig
from quart import Quart, Response

from sandbox.toss.admin import admin_routes
from sandbox.toss.api import api_routes
from sandbox.toss.box import Box, open_box
from sandbox.toss.config import Config
from sandbox.toss.widget import widget_routes
from sandbox.toss.window import window_routes

SWEEP_SECONDS = 1.0
QUIET_SECONDS = 75  # longer than any client keeps a connection it may yet use: none is cut while it asks
STATIC = Path(__file__).parent / "static"
MAX_BODY = 1024 * 1024
BACKLOG = 100


def create_sandbox(config: Config) -> Quart:
    """Build one merchant's sandbox with empty books."""
    box = open_box(config)
    app = Quart(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.jinja_env.filters["won"] = lambda amount: f"{amount:,}원"
    styles = {path.name: path.read_bytes() for path in STATIC.iterdir()}

    @app.get("/sandbox/static/<name>")
    async def show_style(name: str) -> Response:
        return Response(styles[name], content_type="text/css") if name in styles else Response(status=404)

    for routes in (api_routes(box), widget_routes(box), window_routes(box), admin_routes(box)):
        app.register_blueprint(routes)

    @app.before_serving
    async def start() -> None:
        box.detached(_sweep(box))

    @app.after_serving
    async def stop() -> None:
        await box.close()

    return app


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen first: port 0 has its number, and early callers queue instead of being refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(BACKLOG)
    return listening


async def serve_on(config: Config, listening: socket.socket, shutdown: asyncio.Event) -> None:
    """Serve on a bound socket, which is closed at the end, until told to stop."""
    server = ServerConfig()
    server.bind = [f"fd://{listening.detach()}"]
    server.accesslog = None
    server.errorlog = None
    server.graceful_timeout = 1.0
    server.keep_alive_timeout = QUIET_SECONDS
    await hypercorn_serve(create_sandbox(config), server, shutdown_trigger=shutdown.wait)


async def serve(config: Config, host: str, port: int, shutdown: asyncio.Event) -> None:
    """Serve on an address until told to stop."""
    await serve_on(config, listen(host, port), shutdown)


async def _sweep(box: Box) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        box.ledger.expire_old()
