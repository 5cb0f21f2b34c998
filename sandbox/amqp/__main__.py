"""Run the broker alone: python -m sandbox.amqp --bind 127.0.0.1:5672."""

import argparse
import asyncio
import signal

from sandbox.amqp import AmqpServer


def main() -> None:
    """Read the command line and be a broker until told to end."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.amqp", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1:5672")
    host, _, port = parser.parse_args().bind.rpartition(":")
    asyncio.run(serve(host, int(port)))


async def serve(host: str, port: int) -> None:
    """Listen until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = AmqpServer()
    await server.start(host, port)
    await ended.wait()
    await server.stop()


if __name__ == "__main__":
    main()
