"""`twistd xmppd-muc`: chatrooms."""

from __future__ import annotations

from components.common.config import Loaded
from components.common.process import Setting
from components.common.tap import Program
from components.muc.assembly import assemble
from components.muc.config import Config, policy, room_defaults
from components.muc.store.rooms import SCHEMA


async def set_up(setting: Setting[Config]) -> None:
    """Serve the rooms that are in the store."""
    assert setting.store is not None
    rules = policy(setting.loaded)
    name = setting.config.muc.name
    defaults = room_defaults(setting.loaded, rules)
    await assemble(setting.component, setting.store, rules, setting.reactor, name, defaults)


def check(loaded: Loaded[Config]) -> None:
    """Raise ConfigError for what would keep it from starting."""
    room_defaults(loaded, policy(loaded))


PROGRAM = Program("muc", "Chatrooms", Config, set_up, schema=SCHEMA, check=check)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
