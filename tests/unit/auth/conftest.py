"""An accounts store in memory, threads that run at once, and a back-end over both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from xmppd.auth.internal import AccountBackend
from xmppd.auth.seal import Seal
from xmppd.credentials import make_credentials
from xmppd.errors import StoreBusy
from xmppd.jid import JID
from xmppd.storage.interfaces import Account

DOMAIN = "capulet.lit"
ROUNDS = 4096


class AccountsInMemory:
    """What the back-end needs of `storage.interfaces.Accounts`."""

    def __init__(self):
        self.accounts = {}
        self.broken = False
        self.on_get = lambda: None
        self.reads = []
        self.writes = 0

    def add(self, local, password, *, iterations=ROUNDS, enabled=True, seal=None):
        credentials = make_credentials(password, iterations=iterations, seal=seal)
        account = Account(len(self.accounts) + 1, JID.of(local, DOMAIN), 0.0, enabled, credentials)
        self.accounts[account.jid] = account

    def credentials(self, local):
        return self.accounts[JID.of(local, DOMAIN)].credentials

    def put(self, local, credentials):
        jid = JID.of(local, DOMAIN)
        self.accounts[jid] = replace(self.accounts[jid], credentials=credentials)

    def get(self, jid) -> Deferred:
        self.reads.append(jid)
        if self.broken:
            return fail(StoreBusy("the disk is full"))
        found = self.accounts.get(jid)
        self.on_get()
        return succeed(found)

    def replace_credentials(self, account, credentials) -> Deferred:
        self.writes += 1
        if self.broken:
            return fail(StoreBusy("the disk is full"))
        same = self.accounts.get(account.jid) == account
        if same:
            self.put(account.jid.local, credentials)
        return succeed(same)


class Threads:
    """Runs in the caller's thread, at once or when `release` is called; keeps what ran."""

    def __init__(self):
        self.hold = False
        self.ran = []
        self.held = []
        self.addresses = []

    def __call__(self, function, *args, address="") -> Deferred:
        self.ran.append(function)
        self.addresses.append(address)
        if not self.hold:
            return succeed(function(*args))
        waiting = Deferred(lambda _: None)
        self.held.append(lambda: waiting.called or waiting.callback(function(*args)))
        return waiting

    def release(self):
        held, self.held = self.held, []
        for go in held:
            go()


@pytest.fixture
def accounts():
    store = AccountsInMemory()
    store.add("juliet", "r0m30")
    store.add("tybalt", "peace", enabled=False)
    return store


@pytest.fixture
def threads():
    return Threads()


@pytest.fixture(scope="session")
def seal():
    return Seal(b"A" * 43 + b"=")


@pytest.fixture
def backend(accounts, threads):
    return AccountBackend(accounts, run=threads, secret=b"s" * 32, iterations=ROUNDS)


@pytest.fixture
def sealing(accounts, threads, seal):
    """A back-end where digest logins are on."""
    return AccountBackend(accounts, run=threads, secret=b"s" * 32, iterations=ROUNDS, seal=seal)
