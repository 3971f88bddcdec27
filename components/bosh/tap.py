"""`twistd xmppd-bosh`: BOSH, WebSocket and the web client."""

from __future__ import annotations

from components.bosh.assembly import assemble
from components.bosh.checks import check
from components.bosh.config import Config
from components.common.process import Setting
from components.common.tap import Program


async def set_up(setting: Setting[Config]) -> None:
    """Listen for clients."""
    await assemble(setting)


PROGRAM = Program("bosh", "BOSH, WebSocket and the web client", Config, set_up, check=check)
Options = PROGRAM.options
makeService = PROGRAM.make_service  # noqa: N816
