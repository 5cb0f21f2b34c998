"""Writes run to their end when the phone hangs up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.infra.background import log_failure
from app.web import current

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` in a task of its own.

    Quart cancels a request's handler when the client disconnects; the kept task goes on, so that
    a change is made wholly or not at all.
    """
    task = current.machines().background.keep(work, "request")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(log_failure)
        raise
