"""The store of the example in docs/examples/reminder, over every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import BACKENDS, PERSISTENT, Backend
from xmppd.jid import JID
from xmppd_reminder.store import SCHEMA, SQLReminders

JULIET, ROMEO = (JID.of(name, "verona.example") for name in ("juliet", "romeo"))


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    backend = BACKENDS[request.param](tmp_path)
    yield backend
    backend.close()


@pytest.fixture
def wait(backend: Backend) -> Callable[[Any], Any]:
    return backend.reactor.wait


def test_what_is_due_comes_in_order_and_is_forgotten(backend: Backend, wait: Any) -> None:
    reminders = SQLReminders(backend.open(SCHEMA))
    numbers = [wait(reminders.add(JULIET, due, "ζ", 9)) for due in (30.0, 10.5, 20.0)]
    assert [each.due for each in wait(reminders.due(20.0, 5))] == [10.5, 20.0]
    assert [each.due for each in wait(reminders.due(99.0, 1))] == [10.5]
    assert wait(reminders.next()) == 10.5
    wait(reminders.forget(numbers[1:]))
    assert [each.content for each in wait(reminders.of(JULIET))] == ["ζ"]
    wait(reminders.forget(numbers))
    assert wait(reminders.next()) is None


def test_a_reminder_is_its_owners_and_they_are_counted(backend: Backend, wait: Any) -> None:
    reminders = SQLReminders(backend.open(SCHEMA))
    number = wait(reminders.add(JULIET, 1.0, "rise", 1))
    assert wait(reminders.add(JULIET, 2.0, "rise", 1)) is None
    assert wait(reminders.add(ROMEO, 2.0, "rise", 1)) not in (None, number)
    assert wait(reminders.cancel(ROMEO, number)) is False
    assert wait(reminders.cancel(JULIET, number)) is True
    assert wait(reminders.cancel(JULIET, 10**15 - 1)) is False
    assert wait(reminders.of(JULIET)) == []


def test_one_request_keeps_one(backend: Backend, wait: Any) -> None:
    reminders = SQLReminders(backend.open(SCHEMA))
    (number,) = {wait(reminders.add(JULIET, due, "rise", 9, "r")) for due in (1.0, 2.0)}
    assert wait(reminders.add(ROMEO, 1.0, "rise", 9, "r")) != number
    assert len({wait(reminders.add(ROMEO, 1.0, "rise", 9)) for _ in range(2)}) == 2


@pytest.mark.parametrize("backend", PERSISTENT, indirect=True)
def test_it_is_there_when_it_is_opened_again(backend: Backend, wait: Any) -> None:
    wait(SQLReminders(backend.open(SCHEMA)).add(JULIET, 1.0, "rise", 1))
    (found,) = wait(SQLReminders(backend.open(SCHEMA)).of(JULIET))
    assert (found.owner, found.content) == (JULIET, "rise")
