"""What a bundled component is started with: its command, and its configuration as a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.internet.endpoints import quoteStringArgument

from xmppd.bundled import Bundled, Place, socket_path
from xmppd.config import Config, keys
from xmppd.storage.url import is_postgresql

TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"
"""What the interpreter runs: the twistd that it finds, wherever its script was installed."""

CONNECTIONS = 2
"""Connections to PostgreSQL that each of them holds: one to write, one to read."""

_FILE = """\
# Written by xmppd at each start: changes here are lost. What [{name}] is to say stands in the
# server's own file, as [bundled.settings.{name}].

[component]
domain = {domain}
data = {data}

[core]
endpoint = {endpoint}
server = {servers}
guests = {guests}

[store]
url = {url}
queue = {queue}
wait_seconds = {wait_seconds}
connections = {connections}

{own}[log]
format = "json"
"""


def command(bundled: Bundled, path: Path, *options: str) -> Sequence[str]:
    """What runs it with the configuration at `path`."""
    # -P: nothing is to be imported from wherever the server happens to run.
    twistd = [sys.executable, "-P", "-c", TWISTD, "-n", "--pidfile=", bundled.plugin]
    return [*twistd, *options, "-c", str(path)]


def settings(place: Place, config: Config) -> str:
    """The configuration of a component, but for the last line of it: the level of its log."""
    store, name = config.store, place.bundled.name
    values = {
        "domain": place.domain,
        "data": config.server.data,
        "endpoint": f"unix:{quoteStringArgument(socket_path(config))}",
        # Guests are nobody's users to what keeps something of these.
        "servers": place.domains or config.server.domains,
        "guests": config.auth.anonymous,
        "url": _store_url(store.url, name),
        "queue": store.queue,
        "wait_seconds": store.wait_seconds,
        "connections": CONNECTIONS,
    }
    own = config.bundled.settings.get(name, {})
    lines = [f"{keys.written((key,))} = {_toml(value)}\n" for key, value in own.items()]
    written = {key: _toml(value) for key, value in values.items()}
    table = "".join([f"[{name}]\n", *lines, "\n"] if own else "")
    return _FILE.format(name=name, own=table, **written)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        inside = [f"{keys.written((key,))} = {_toml(each)}" for key, each in value.items()]
        return f"{{ {', '.join(inside)} }}"
    # Strings, numbers and lists of JSON are such of TOML.
    return json.dumps(value, ensure_ascii=False)


def _store_url(url: str, name: str) -> str:
    """A database of its own beside the server's, or its own tables in the same PostgreSQL."""
    path = url.removeprefix("sqlite:")
    if is_postgresql(url) or path == ":memory:":
        return url
    return f"sqlite:{Path(path).with_name(f'{name}.db')}"
