"""What the tests of the server process need."""

import signal

import pytest

from tests.support.playhouse import Playhouse, Pool


@pytest.fixture
def playhouse(tmp_path, monkeypatch):
    monkeypatch.setattr("xmppd.auth.workers.ThreadPool", lambda *arguments: Pool())
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    made = Playhouse(tmp_path)
    made.write()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)
