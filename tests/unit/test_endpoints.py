"""Endpoint descriptions as they are opened."""

from __future__ import annotations

import pytest

from xmppd.config.endpoints import with_backlog


@pytest.mark.parametrize(
    ("description", "opened"),
    [
        ("tcp:5222", "tcp:5222:backlog=1024"),
        ("tcp6:5222:interface=\\:\\:1", "tcp6:5222:interface=\\:\\:1:backlog=1024"),
        ("ssl:5223:privateKey=a.pem", "ssl:5223:privateKey=a.pem:backlog=1024"),
        ("tcp:5222:backlog=7", "tcp:5222:backlog=7"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
        ("unix:/run/xmppd.sock", "unix:/run/xmppd.sock"),
    ],
)
def test_a_port_has_room_for_a_crowd_unless_the_operator_says_how_much(
    description: str, opened: str
) -> None:
    assert with_backlog(description) == opened
