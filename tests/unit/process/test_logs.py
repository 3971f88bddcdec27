"""What the operator reads: one event a line, no more than was meant to be told."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure

from xmppd import config
from xmppd.process.logs import Log, escape, level_of, wanted

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Written:
    """A log in memory, and a logger that writes to it."""

    def __init__(self, **settings):
        self.out = io.StringIO()
        self.log = Log(self.out, config.Log(**settings))
        self.logger = Logger("xmppd.core", observer=LogPublisher(self.log))

    @property
    def lines(self):
        return self.out.getvalue().splitlines()


def fail():
    try:
        raise ValueError("o happy dagger\nthis is thy sheath")
    except ValueError:
        return Failure()


def test_text_line_has_time_level_namespace_and_message():
    written = Written()
    written.logger.info("{who} enters", who="Tybalt")
    (line,) = written.lines
    assert re.fullmatch(rf"{STAMP} info  xmppd\.core: Tybalt enters", line)


def test_json_line_is_an_object():
    written = Written(format="json")
    written.logger.warn("{who} enters", who='Tybalt, "prince of cats"')
    told = json.loads(written.out.getvalue())
    assert re.fullmatch(STAMP, told.pop("time"))
    assert told == {
        "level": "warn",
        "namespace": "xmppd.core",
        "message": 'Tybalt, "prince of cats" enters',
    }


def test_fields_that_the_message_does_not_name_are_left_out():
    for format_ in ("text", "json"):
        written = Written(format=format_)
        written.logger.info("{who} logs in", who="Juliet", password="wherefore")
        assert "wherefore" not in written.out.getvalue()


@given(st.text())
def test_any_message_is_one_line(text):
    for format_ in ("text", "json"):
        written = Written(format=format_)
        written.logger.info("{text}", text=text)
        assert written.out.getvalue().count("\n") == 1
        assert len(written.lines) == 1


def test_escapes_show_what_they_stand_for():
    assert escape("a\nb\x1b[31m\u2028c\\n") == "a\\nb\\x1b[31m\\u2028c\\n"


def test_traceback_stands_indented_below_its_line():
    written = Written()
    written.logger.failure("the tomb", fail())
    first, *rest = written.lines
    assert first.endswith("the tomb: ValueError: o happy dagger\\nthis is thy sheath")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


def test_traceback_is_a_string_of_the_json_object():
    written = Written(format="json")
    written.logger.failure("the tomb", fail())
    (line,) = written.lines
    assert json.loads(line)["traceback"].startswith("Traceback")


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("debug", ["debug", "info", "warn", "error", "critical"]),
        ("info", ["info", "warn", "error", "critical"]),
        ("warn", ["warn", "error", "critical"]),
        ("error", ["error", "critical"]),
    ],
)
def test_level_leaves_out_what_is_below_it(level, seen):
    written = Written(level=level)
    for each in LogLevel.iterconstants():
        written.logger.emit(each, each.name)
    assert [line.split()[1] for line in written.lines] == seen


def test_level_changes_while_it_runs():
    written = Written(level="error")
    written.logger.info("before")
    written.log.configure(config.Log(level="info"))
    written.logger.info("after")
    assert len(written.lines) == 1


def test_factories_that_start_are_for_debuggers_and_errors_are_not():
    events = []
    publisher = legacy.LogPublisher(publishPublisher=LogPublisher(events.append))
    publisher.msg("ClientFactory starting on 5222")
    publisher.msg(failure=fail(), isError=True, why="the tomb")
    assert [level_of(event) for event in events] == ["debug", "critical"]


@pytest.mark.parametrize(
    ("twistd", "ours"),
    [
        ({"nodaemon": 1}, True),
        ({"nodaemon": 1, "logfile": None, "syslog": 0, "logger": None}, True),
        ({"debug": 1}, True),
        ({}, False),
        ({"nodaemon": 1, "logfile": "x.log"}, False),
        ({"nodaemon": 1, "syslog": 1}, False),
        ({"nodaemon": 1, "logger": "some.factory"}, False),
    ],
)
def test_log_is_ours_unless_twistd_was_asked_for_another_or_there_is_no_output(twistd, ours):
    assert wanted(twistd) is ours
