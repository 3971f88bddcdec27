"""`twistd xmppd-vcard`: vCards, avatars and the search for users."""

from __future__ import annotations

from components.common.process import Setting
from components.common.tap import Program
from components.vcard.assembly import assemble
from components.vcard.config import Config
from components.vcard.store import SCHEMA


def set_up(setting: Setting[Config]) -> None:
    """Serve the vCards that are in the store."""
    assert setting.store is not None
    assemble(setting.component, setting.store, setting.config.vcard, setting.reactor.seconds)


PROGRAM = Program(
    "vcard", "vCards, avatars and the search for users", Config, set_up, schema=SCHEMA
)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
