"""What the gateway does before it listens."""

import resource

import pytest

from components.bosh import assembly


@pytest.fixture
def limits(monkeypatch):
    """The limits of this process, which stay as they are."""
    told = {"now": (1_024, 65_536)}
    monkeypatch.setattr(resource, "getrlimit", lambda which: told["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda which, new: told.update(now=new))
    return told


def test_as_many_files_are_allowed_as_can_be(limits):
    assembly.raise_file_limit()
    assert limits["now"] == (65_536, 65_536)


def test_a_sandbox_may_forbid_it(limits, monkeypatch):
    def forbidden(which, new):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "setrlimit", forbidden)
    assembly.raise_file_limit()
    assert limits["now"] == (1_024, 65_536)


@pytest.mark.parametrize(
    ("endpoint", "private"),
    [
        ("tcp:127.0.0.1:5347", True),
        ("tcp:localhost:5347", True),
        ("tcp:host=127.0.0.1:port=5347", True),
        (r"tcp:\:\:1:5347", True),
        ("unix:/run/xmppd/components.sock", True),
        ("tls:example.org:5348:trustRoots=certs", True),
        ("tcp:example.org:5347", False),
        ("tcp:192.0.2.7:5347", False),
        (r"tcp:2001\:db8\:\:1:5347", False),
        ("tcp:port=5347:host=127.0.0.1", False),
        ("tcp::5347", False),
    ],
)
def test_the_way_to_the_server_is_private_or_not_xep0124_19_2(endpoint, private):
    assert assembly.is_private(endpoint) is private
