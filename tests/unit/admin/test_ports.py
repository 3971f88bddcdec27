"""What an operator is told of a listener that can't be opened."""

from __future__ import annotations

import pytest

from xmppd.admin.ports import cannot_listen


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
