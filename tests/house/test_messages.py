"""Every message can be read by the release after it, and by somebody."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest

from app.core.message import BadMessageError, Message, decode
from tasks.registry import LISTENERS

ROOT = Path(__file__).parent.parent.parent
SAMPLES = Path(__file__).parent / "samples"
MODULES = [module for name, module in sys.modules.items() if re.fullmatch(r"app\.\w+\.messages", name)]
TYPES: dict[str, type[Message]] = {
    kind.TYPE: kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
}
LISTENED = {message.TYPE for listener in LISTENERS for message in listener.messages}

# A message nobody listens to is dropped by the relay: say here why one is announced all the same.
WITHOUT_LISTENER: dict[str, str] = {}


def test_every_message_is_known_here_because_the_registry_imports_every_room_that_announces() -> None:
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/messages.py")} - {"models"}
    assert {kind.__module__.split(".")[1] for kind in TYPES.values()} == rooms


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_message_has_a_name_a_version_and_is_frozen(name: str) -> None:
    kind = TYPES[name]
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)
    assert kind.VERSION >= 1
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_stored_message_still_parses_because_old_ones_wait_in_queues_during_an_upgrade(name: str) -> None:
    """The sample is what an earlier release sent. A change that breaks it needs a new VERSION and sample."""
    body = (SAMPLES / f"{name}.json").read_bytes()
    envelope = decode(body)
    kind = TYPES[name]
    assert (envelope.type, envelope.version) == (kind.TYPE, kind.VERSION)
    message = kind.read(envelope.data)
    assert envelope.data.items() <= dataclasses.asdict(message).items()  # what was added later has a default
    assert message.key == envelope.key


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_field_a_newer_release_added_is_ignored(name: str) -> None:
    content = json.loads((SAMPLES / f"{name}.json").read_bytes())
    content["data"]["added_later"] = 1
    envelope = decode(json.dumps(content).encode())
    assert TYPES[name].read(envelope.data)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_message_without_its_fields_is_refused_and_not_guessed(name: str) -> None:
    with pytest.raises(BadMessageError):
        TYPES[name].read({})


def test_every_sample_is_of_a_message_that_is_still_sent() -> None:
    assert {path.stem for path in SAMPLES.iterdir()} == set(TYPES)


def test_every_message_wakes_somebody_or_says_why_not() -> None:
    assert set(TYPES) - LISTENED == set(WITHOUT_LISTENER)
    assert all(WITHOUT_LISTENER.values())


def test_every_queue_is_a_room_and_what_it_does() -> None:
    names = [listener.name for listener in LISTENERS]
    assert len(names) == len(set(names))
    for listener in LISTENERS:
        room, _, does = listener.name.partition(".")
        assert (ROOT / "app" / room).is_dir(), listener.name
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", does), listener.name
        assert listener.handle.__module__ == f"tasks.{room}", listener.name
