"""Responses as bytes, and the cut of a connection."""

import json
import os
import socket
import stat

from quart import Response, request


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer JSON with Korean written plainly and the keys in their order."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, content_type="application/json;charset=UTF-8", headers=headers)


def html_response(status: int, title: str, headers: dict[str, str] | None = None) -> Response:
    """Answer what a proxy in front of a dead server answers."""
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Response(page, status, content_type="text/html", headers=headers)


def sever() -> None:
    """Cut the connection of the current request without a byte of an answer.

    ASGI hands out no socket, so it is found among the open files by its two addresses.
    """
    client, server = request.scope["client"], request.scope["server"]
    if client is None or server is None:
        raise RuntimeError("the connection has no addresses")
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers, not paths
        copy = _copy_of_socket(int(name))
        if copy is None:
            continue
        with copy:
            if _ends(copy) == (tuple(client)[:2], tuple(server)[:2]):
                copy.shutdown(socket.SHUT_RDWR)


def _copy_of_socket(number: int) -> socket.socket | None:
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            return socket.socket(fileno=os.dup(number))
    except OSError:  # closed meanwhile: the listing's own descriptor, for one
        return None
    return None


def _ends(open_socket: socket.socket) -> tuple[object, object] | None:
    try:
        return open_socket.getpeername()[:2], open_socket.getsockname()[:2]
    except OSError:
        return None
