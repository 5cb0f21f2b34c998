"""Run the task worker: python -m tasks."""

import asyncio
import os
import signal

from app.infra.log import set_up_log
from app.machines import build_machines
from app.settings import Settings, read_settings
from tasks.worker import work


def main() -> None:
    """Read the settings, and work until SIGTERM."""
    settings = read_settings(os.environ)
    set_up_log(settings.log_level)
    run_worker(settings)


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    m = build_machines(settings)
    try:
        await work(m, stopping)
    finally:
        await m.close()


if __name__ == "__main__":
    main()
