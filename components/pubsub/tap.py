"""`twistd xmppd-pubsub`: publish-subscribe and personal eventing."""

from __future__ import annotations

from components.common.process import Setting
from components.common.tap import Program
from components.pubsub.assembly import assemble
from components.pubsub.config import Config, policy
from components.pubsub.store.nodes import SCHEMA


def set_up(setting: Setting[Config]) -> None:
    """Serve the nodes that are in the store."""
    assert setting.store is not None
    rules, name = policy(setting.loaded), setting.config.pubsub.name
    assemble(setting.component, setting.store, rules, setting.reactor, name)


PROGRAM = Program(
    "pubsub", "Publish-subscribe and PEP", Config, set_up, schema=SCHEMA, check=policy
)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
