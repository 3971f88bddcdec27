"""The twistd plugin's options and service: the one place that knows every part."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from xmppd import config
from xmppd.errors import ConfigError
from xmppd.server import Server


class Options(usage.Options):
    """`twistd xmppd`: an XMPP server."""

    synopsis = "twistd [-n] xmppd [-c FILE]"
    longdesc = (
        "An XMPP server. Without a configuration file it serves localhost to this machine only, "
        "with its data under ./xmppd-data. Example: twistd -n xmppd -c /etc/xmppd/xmppd.toml"
    )
    optParameters = [
        ["config", "c", None, "The configuration file (TOML); see etc/xmppd.toml for every key."],
    ]

    def opt_version(self) -> None:
        """Print the version and exit."""
        from xmppd import __version__

        sys.stdout.write(f"xmppd {__version__}\n")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """The whole server, ready to start; a fault in the configuration ends the process."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    path = options["config"]
    try:
        return Server(Path(path) if path else None, reactor, options.parent or {}, _fail)
    except ConfigError as error:
        raise SystemExit(f"xmppd: {error}") from None


def _fail(message: str) -> None:
    """End the process with status 1 once the reactor has shut everything down."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    sys.stderr.write(f"xmppd: {message}\n")
    sys.stderr.flush()
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
    reactor.stop()


__all__ = ["Options", "config", "makeService"]
