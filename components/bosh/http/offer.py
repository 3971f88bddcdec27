"""`/config.json`: what the web client has to know of the server before it connects."""

from __future__ import annotations

import json
from typing import NamedTuple

from components.bosh.http.static import File

PATH = "/config.json"


class Offer(NamedTuple):
    """What there is, each as the file has it."""

    domain: str
    """Of the accounts."""
    websocket: str | None = "/xmpp-websocket"
    bosh: str | None = "/http-bind"
    """URLs; relative ones are taken from where the page came from."""
    register: bool | None = None
    """Whether accounts can be made; None: the client finds out."""
    anonymous: bool = False
    rooms: str | None = None
    """The domain of the chatrooms; None: the client finds out."""

    def file(self) -> File:
        """The file to be served."""
        return File.of(json.dumps(self._asdict()).encode(), ".json")
