"""Endpoint descriptions as they are opened."""

import pytest

from xmppd.admin.ports import cannot_listen, with_backlog


@pytest.mark.parametrize(
    ("description", "opened"),
    [
        ("tcp:5222", "tcp:5222:backlog=1024"),
        ("tcp6:5222:interface=\\:\\:1", "tcp6:5222:interface=\\:\\:1:backlog=1024"),
        ("tcp:5222:backlog=7", "tcp:5222:backlog=7"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
        ("unix:/run/xmppd.sock", "unix:/run/xmppd.sock"),
    ],
)
def test_a_port_has_room_for_a_crowd_unless_the_operator_says_how_much(
    description: str, opened: str
) -> None:
    assert with_backlog(description) == opened


@pytest.mark.parametrize(
    ("description", "error", "told"),
    [
        (
            "systemd:INET:index=0",
            IndexError("list index out of range"),
            "systemd passed no socket 0",
        ),
        ("systemd:domain=INET:index=3", IndexError("list"), "systemd passed no socket 3"),
        ("systemd:INET6:name=c2s.socket", KeyError("c2s"), "systemd passed no socket c2s.socket"),
        ("pigeon:5222", AttributeError("wings"), "can't listen on pigeon:5222: wings"),
        ("pigeon:5222", RuntimeError(), "can't listen on pigeon:5222: RuntimeError"),
    ],
)
def test_whatever_an_endpoint_raises_is_one_line_with_its_key(
    description: str, error: Exception, told: str
) -> None:
    line = str(cannot_listen("xmppd.toml", "listen.c2s", description, error))
    assert line.startswith(f"xmppd.toml: listen.c2s: {told}. ")
    assert ("a .socket unit" in line) is description.startswith("systemd:")
