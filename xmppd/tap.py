"""The twistd plugin's options and service: the one place that imports the reactor."""

from __future__ import annotations

import atexit
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger
from twisted.python import usage

from xmppd import __version__
from xmppd.errors import ConfigError
from xmppd.server import Server

log = Logger(namespace="xmppd")

NOT_HERE = {
    "uid": "start it as that user (systemd: User=, or sudo -u)",
    "gid": "start it as that group (systemd: Group=)",
    "chroot": "use systemd's ProtectSystem= or a container",
}
"""Options of twistd that take effect only after files have been made, and what to do instead."""


class Options(usage.Options):
    """`twistd xmppd`: an XMPP server."""

    synopsis = "[-c FILE]"
    longdesc = (
        "An XMPP server. Without a configuration file it serves localhost to this machine only, "
        "with its data under ./xmppd-data. Example: twistd -n xmppd -c /etc/xmppd/xmppd.toml"
    )
    optParameters = [  # noqa: N815
        ["config", "c", None, "The configuration file (TOML); see etc/xmppd.toml for every key."],
    ]

    def opt_version(self) -> None:
        """Print the version and exit."""
        os.write(1, f"xmppd {__version__}\n".encode())
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """The whole server, ready to start; a fault in the configuration ends the process.

    Raises SystemExit with one line that names file, key and remedy.
    """
    from twisted.internet import reactor as installed  # noqa: TID251

    reactor: Any = installed
    path = options["config"]
    twistd: Mapping[str, Any] = options.parent or {}
    try:
        _check_options(twistd)
        _raise_file_limit()
        return Server(Path(path) if path else None, reactor, twistd, _fail)
    except ConfigError as error:
        raise SystemExit(f"xmppd: {error}") from None


def _check_options(twistd: Mapping[str, Any]) -> None:
    for option, remedy in NOT_HERE.items():
        if twistd.get(option) is not None:
            problem = "comes too late: the data directory is made before twistd acts on it"
            raise ConfigError("twistd", f"--{option}", problem, f"Instead, {remedy}")


def _raise_file_limit() -> None:
    """A connection is an open file: allow as many as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    log.info("open files: at most {hard} (was {soft})", hard=hard, soft=soft)


def _fail(message: str) -> None:
    """End the process with status 1 once all is shut down."""
    from twisted.internet import reactor as installed  # noqa: TID251

    reactor: Any = installed
    log.critical("{message}", message=message)
    os.write(2, f"xmppd: {message}\n".encode())  # sys.stderr is a log by now
    # twistd itself exits with 0 however a service has fared; it has put everything away by then.
    atexit.register(os._exit, 1)
    if reactor.running:
        reactor.stop()
