"""`twistd xmppd-echo`: sends every message back to its sender.

It shows how a component is written, and an operator whether the server's port works.
"""

from __future__ import annotations

from components.common.about import About, introduce
from components.common.config import Settings
from components.common.disco import Identity
from components.common.process import Setting
from components.common.stanza import Stanza
from components.common.tap import Program


def set_up(setting: Setting[Settings]) -> None:
    """Answer for itself, and every message with its own content."""
    component = setting.component
    introduce(component, About(Identity("client", "bot", "Echo")))

    def echo(message: Stanza) -> None:
        component.message(
            message.sender, message.inner, type_=message.type, sender=message.to, id_=message.id
        )

    component.on_message(echo)


PROGRAM = Program("echo", "A component that sends back what it is sent", Settings, set_up)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
