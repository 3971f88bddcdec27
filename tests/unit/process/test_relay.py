"""What a child writes, in its parent's log."""

import io
import json

import pytest
from twisted.logger import globalLogPublisher

from xmppd import config
from xmppd.process.logs import Log
from xmppd.process.relay import LONGEST, Relay


@pytest.fixture
def written():
    """The log's lines, less their time."""
    out = io.StringIO()
    log = Log(out, config.Log(level="debug"))
    globalLogPublisher.addObserver(log)
    yield lambda: [line.partition(" ")[2] for line in out.getvalue().splitlines()]
    globalLogPublisher.removeObserver(log)


def event(**fields):
    told = {"time": "-", "level": "info", "namespace": "component", "message": "it begins"}
    return json.dumps({**told, **fields}).encode() + b"\n"


def test_event_keeps_its_level_and_has_the_childs_name_before_it(written):
    relay = Relay("ariel")
    relay.out.feed(event() + event(level="debug", namespace="twisted.names"))
    assert written() == ["info  ariel.component: it begins", "debug ariel.twisted.names: it begins"]
    assert relay.last_words == ""


def test_event_comes_in_any_pieces(written):
    relay = Relay("ariel")
    for octet in event(message="Où va-t-il?"):
        relay.out.feed(bytes([octet]))
    assert written() == ["info  ariel.component: Où va-t-il?"]


def test_traceback_stands_below_its_event(written):
    relay = Relay("ariel")
    relay.out.feed(event(level="critical", message="a bug", traceback="Traceback:\n  here"))
    assert written()[0] == "critical ariel.component: a bug"
    assert [line.strip() for line in written()[1:]] == ["Traceback:", "here"]
    assert relay.last_words == "a bug"


@pytest.mark.parametrize("line", [b"Segmentation fault", b"[1]", b"{}", b'{"level": []}', b"\xff{"])
def test_anything_else_is_a_warning(written, line):
    relay = Relay("ariel")
    relay.out.feed(line + b"\n\n")
    [told] = written()
    assert told.startswith("warn  ariel: ")


def test_complaint_is_a_warning_and_the_last_one_is_remembered(written):
    relay = Relay("ariel")
    relay.err.feed(b"Traceback (most recent call last):\nModuleNotFoundError: No module")
    relay.err.feed(b" named 'caliban'")
    relay.end()
    assert written()[-1] == "warn  ariel: ModuleNotFoundError: No module named 'caliban'"
    assert relay.last_words == "ModuleNotFoundError: No module named 'caliban'"


def test_line_without_an_end_is_not_kept_for_ever(written):
    relay = Relay("ariel")
    relay.err.feed(b"x" * (LONGEST + 1))
    assert len(written()) == 1
    relay.end()
    assert len(written()) == 1


def test_braces_are_no_format(written):
    Relay("ariel").out.feed(event(message="{who} {0} {"))
    assert written() == ["info  ariel.component: {who} {0} {"]
