"""The options and the service of `twistd xmppd-NAME`: who imports the reactor for components.

The `tap.py` of a component is three lines:

    PROGRAM = Program("echo", "Sends back what it is sent", Config, set_up)
    Options = PROGRAM.options
    makeService = PROGRAM.make_service
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from twisted.application.service import IService
from twisted.logger import Logger
from twisted.python import usage

from components.common import endpoint
from components.common.config import Loaded, Settings, load
from components.common.process import Process, SetUp
from xmppd import __version__
from xmppd.errors import ConfigError
from xmppd.process import logs
from xmppd.storage.url import check_url

log = Logger(namespace="component")

T = TypeVar("T", bound=Settings)

EXAMPLE = """\
A configuration file has at least

[component]
domain = "{name}.example.org"
secret = "the one that the server has for this component"

[core]
endpoint = "tcp:127.0.0.1:5347"
"""


class Program(Generic[T]):
    """A component's program: `set_up` tells the component who handles what.

    `config` is the Struct of its configuration file; `schema` the directory of its store's schema
    set, None for who stores nothing. `check` raises ConfigError, such as `Loaded.fault` makes, for
    what the types of `config` let pass.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        config: type[T],
        set_up: SetUp[T],
        *,
        schema: Path | None = None,
        check: Callable[[Loaded[T]], object] | None = None,
    ) -> None:
        self.name = name
        self._config = config
        self._set_up = set_up
        self._schema = schema
        self._check = check
        self.options = _options(name, summary)

    def make_service(self, options: usage.Options) -> IService:
        """The component, ready to start; a fault in the configuration ends the process.

        Raises SystemExit with one line that names file, key and remedy; with `--check` in any case.
        """
        from twisted.internet import reactor  # noqa: TID251

        twistd: Mapping[str, Any] = options.parent or {}
        try:
            if not options["config"]:
                raise ConfigError(self._command, "--config", "is missing", "Name a file with -c")
            path = Path(options["config"]).absolute()
            loaded = self._read(path, reactor)
            if options["check"]:
                raise SystemExit(0)
            settings = loaded.settings.log
            log_to = logs.Log(sys.stdout, settings) if logs.wanted(twistd) else None
            return Process(
                loaded,
                self._set_up,
                reactor,
                self._fail,
                schema=self._schema,
                log_to=log_to,
                read=lambda: self._read(path, reactor),
            )
        except ConfigError as error:
            raise SystemExit(f"{self._command}: {error}") from None

    def _read(self, path: Path, reactor: Any) -> Loaded[T]:
        """The file, with nothing in it that a start would refuse, as far as that can be known."""
        loaded = load(path, self._config, self.name)
        if self._check is not None:
            self._check(loaded)
        endpoint.made(loaded, reactor)
        if self._schema is not None:
            check_url(loaded.url, loaded.source)
        return loaded

    @property
    def _command(self) -> str:
        return f"xmppd-{self.name}"

    def _fail(self, message: str) -> None:
        """End the process with status 1 once all is shut down."""
        from twisted.internet import reactor as installed  # noqa: TID251

        reactor: Any = installed
        log.critical("{message}", message=message)
        os.write(2, f"{self._command}: {message}\n".encode())  # sys.stderr is a log by now
        # twistd itself exits with 0 however a service has fared; it has put everything away then.
        atexit.register(os._exit, 1)
        if reactor.running:
            reactor.stop()


def _options(name: str, summary: str) -> type[usage.Options]:
    class Options(usage.Options):
        synopsis = "-c FILE"
        longdesc = f"{summary}. Example: twistd -n xmppd-{name} -c {name}.toml"
        optParameters = [  # noqa: N815
            ["config", "c", None, "The configuration file (TOML)."],
        ]
        optFlags = [  # noqa: N815
            ["check", None, "Read the configuration file, say what is wrong with it, and end."],
        ]

        def getUsage(self, width: int | None = None) -> str:
            """The usage, and the shortest configuration file."""
            shown: str = super().getUsage(width)
            return f"{shown}\n{EXAMPLE.format(name=name)}"

        def opt_version(self) -> None:
            """Print the version and exit."""
            os.write(1, f"xmppd-{name} {__version__}\n".encode())
            raise SystemExit(0)

    Options.__doc__ = f"`twistd xmppd-{name}`: {summary}."
    return Options
