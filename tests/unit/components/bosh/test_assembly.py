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
