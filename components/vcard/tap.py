"""`twistd xmppd-vcard`: vCards, avatars and the search for users."""

from __future__ import annotations

from components.common.about import About, introduce
from components.common.delegation import Delegation
from components.common.disco import Identity
from components.common.process import Setting
from components.common.tap import Program
from components.vcard import vcard_iq
from components.vcard.config import Config
from components.vcard.service import VCards
from components.vcard.store import SCHEMA, SQLVCards


def set_up(setting: Setting[Config]) -> None:
    """Serve the vCards of the server's users."""
    assert setting.store is not None
    component, config = setting.component, setting.config.vcard
    vcards = VCards(
        SQLVCards(setting.store), setting.reactor.seconds, config.limits, config.cached_octets
    )
    disco = introduce(component, About(Identity("directory", "user", "Users")))
    vcard_iq.serve(Delegation(component, disco), vcards, lambda account, change: None)


PROGRAM = Program(
    "vcard", "vCards, avatars and the search for users", Config, set_up, schema=SCHEMA
)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
