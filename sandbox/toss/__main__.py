"""Run the sandbox alone: python -m sandbox.toss --bind 127.0.0.1:9001 --webhook-url URL."""

import argparse
import asyncio
import signal
import sys

from sandbox.toss.app import listen, serve_on
from sandbox.toss.config import Config


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.toss", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1:9001")
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-speed", type=float, default=Config().webhook_speed)
    parser.add_argument("--amount-mismatch-code", default=Config().amount_mismatch_code)
    parser.add_argument("--shop-name", default=Config().shop_name)
    given = parser.parse_args()
    config = Config(
        webhook_url=given.webhook_url,
        webhook_speed=given.webhook_speed,
        amount_mismatch_code=given.amount_mismatch_code,
        shop_name=given.shop_name,
    )
    host, _, port = given.bind.rpartition(":")
    asyncio.run(_run(config, host.strip("[]"), int(port)))


async def _run(config: Config, host: str, port: int) -> None:
    shutdown = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, shutdown.set)
    listening = listen(host, port)
    sys.stdout.write(f"http://{host}:{listening.getsockname()[1]}/sandbox\n")
    sys.stdout.flush()
    await serve_on(config, listening, shutdown)


if __name__ == "__main__":
    main()
