"""The broker under contract: our stand-in and a private RabbitMQ."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.rabbitmq import RabbitMQ
from tests.stack import Machine, StandIn


def stand_in(directory: Path) -> Machine:
    return StandIn("sandbox.amqp", directory)


BROKERS: dict[str, Callable[[Path], Machine]] = {"stand-in": stand_in, "rabbitmq": RabbitMQ}


@pytest.fixture(scope="session", params=BROKERS, ids=list(BROKERS))
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = BROKERS[request.param](tmp_path_factory.mktemp("amqp"))
    machine.start()
    yield machine
    machine.kill()


@pytest.fixture
def amqp_url(broker: Machine) -> str:
    return broker.url
