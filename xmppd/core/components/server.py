"""What the parts of a component know of the server."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

from xmppd.core.hooks import Hooks
from xmppd.core.requests import OwnRequests
from xmppd.core.router import Router
from xmppd.core.sessions import SessionDirectory
from xmppd.storage.components import SQLComponents


class Server(NamedTuple):
    """The parts of the `Host` that they need."""

    router: Router
    directory: SessionDirectory
    hooks: Hooks
    clock: IReactorTime
    store: SQLComponents
    requests: OwnRequests
