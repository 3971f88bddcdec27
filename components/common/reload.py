"""A component's file, read again while it runs: what that changes, and what needs a restart."""

from __future__ import annotations

from typing import TypeVar

from msgspec import structs

from components.common.config import Loaded, Settings
from xmppd.config.changes import changes

T = TypeVar("T", bound=Settings)

NOW = frozenset({"component.secret", "component.secret_file", "log.level"})
"""The keys that a running component takes; a secret holds from the next connection on."""


def told(running: Loaded[T], wanted: Loaded[T]) -> list[str]:
    """Name what differs, and when it takes effect; never a value, which may be a secret."""
    found = changes(running.settings, wanted.settings, NOW)
    if running.identity.secret != wanted.identity.secret and not found:
        found.append("component.secret_file: takes effect now")  # it stands in there
    return found


def taken(running: Loaded[T], wanted: Loaded[T]) -> Loaded[T]:
    """What holds from now on: `running`, with what can change while it runs as it is wanted."""
    before, after = running.settings, wanted.settings
    component = structs.replace(
        before.component, secret=after.component.secret, secret_file=after.component.secret_file
    )
    log = structs.replace(before.log, level=after.log.level)
    return running._replace(
        settings=structs.replace(before, component=component, log=log),
        identity=running.identity._replace(secret=wanted.identity.secret),
    )
