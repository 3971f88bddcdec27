"""What was acknowledged is there after `kill -9`: a real process, a real signal."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.stores import SQLiteBackend
from xmppd.storage.accounts import SQLAccounts

ROOT = Path(__file__).parents[3]
DOMAIN = "verona.example"

WRITER = """
import itertools, os, sys
from pathlib import Path
from tests.support.stores import SQLiteBackend, credentials
from xmppd.jid import JID
from xmppd.storage.accounts import SQLAccounts

backend = SQLiteBackend("sqlite:elsinore.db", Path(sys.argv[1]))
accounts = SQLAccounts(backend.open())
names = (f"henry{n}" for n in itertools.count())

def acknowledged(account):
    os.write(1, account.jid.local.encode() + b"\\n")
    begin()

def begin():
    waiting.append(accounts.create(JID.of(next(names), "verona.example"), credentials(), now=1.0))
    waiting[-1].addCallback(acknowledged)

waiting = []
for _ in range(32):
    begin()
for deferred in waiting:
    backend.reactor.wait(deferred)
"""


def test_everything_acknowledged_survives_kill_9(tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(300)]
    writer.kill()
    acknowledged += writer.stdout.read().split()
    writer.stdout.close()
    assert writer.wait() == -9

    backend = SQLiteBackend("sqlite:elsinore.db", tmp_path)
    accounts = SQLAccounts(backend.open())
    found, after = [], ""
    while page := backend.reactor.wait(accounts.list(DOMAIN, after)):
        found += [account.jid.local for account in page if set(account.credentials.keys)]
        after = page[-1].jid.local
    backend.close()
    assert len(set(acknowledged)) >= 300
    assert set(acknowledged) <= set(found)
