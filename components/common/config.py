"""What a component's configuration file says (TOML), and what comes of it.

    class Config(Settings, frozen=True):
        echo: Echo = Echo()

    loaded = load(path, Config, "echo")

A component's own tables are fields of its own Struct beside those that all have. Every fault is
one ConfigError that names the file, the line where it can be found, the key and the remedy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from components.common.stream import Identity
from xmppd import config
from xmppd.config import keys, toml
from xmppd.config.schema import Table
from xmppd.domainpart import JIDError, prepare_domain
from xmppd.errors import ConfigError
from xmppd.process.lifeline import SECRET_VARIABLE


class ComponentTable(Table, frozen=True):
    """`[component]`: who this is. `instance` names it among several of the same domain."""

    domain: str
    secret: str = ""
    secret_file: str = ""
    instance: str = ""
    data: str = "xmppd-data"


class Core(Table, frozen=True):
    """`[core]`: where the server listens for components, and which domains it serves.

    `endpoint` is a Twisted client endpoint: "tcp:HOST:PORT", "unix:PATH", or
    "tls:HOST:PORT:trustRoots=DIRECTORY", the directory holding the certificates of those who may
    vouch for HOST (without it, the system's do). `guests` are those of the domains where whoever
    comes is somebody new each time (XEP-0175).
    """

    endpoint: str = "tcp:127.0.0.1:5347"
    server: str | tuple[str, ...] = ()
    guests: tuple[str, ...] = ()


class Store(config.Store, frozen=True):
    """`[store]`: as the server's; without a url, a file of SQLite in the data directory."""

    url: str = ""


class Settings(Table, frozen=True):
    """The tables that every component has."""

    component: ComponentTable
    core: Core = Core()
    store: Store = Store()
    log: config.Log = config.Log()


T = TypeVar("T", bound=Settings)


class Loaded(NamedTuple, Generic[T]):
    """A configuration, checked: `settings` as written, the rest as meant."""

    settings: T
    identity: Identity
    servers: tuple[str, ...]
    """The domains of the server, the first of them the one that is asked."""
    guests: tuple[str, ...]
    """The domains of the server where nobody has an account: what keeps something for its users
    has nothing to keep for them."""
    data: Path
    url: str
    """Of the store; a relative path in it is taken from `data`."""
    source: str
    """The file, for errors that are found later."""
    text: str = ""
    """What stands in it."""

    @property
    def base(self) -> Path:
        """What relative paths are taken from."""
        return Path(self.source).absolute().parent

    def fault(self, key: keys.Key, problem: str, remedy: str) -> ConfigError:
        """What to raise for a key that was found to be wrong: ``("echo", "times")``."""
        where = keys.where(self.source, self.text, key)
        return ConfigError(where, keys.written(key), problem, remedy)


def load(
    path: Path, root: type[T], name: str, environment: Mapping[str, str] = os.environ
) -> Loaded[T]:
    """Read the configuration of the component `name`; raises ConfigError.

    Relative paths are taken from the file's directory.
    """
    settings, text = toml.read(path, root)
    return _Reading(path, text, settings.component, environment).loaded(settings, name)


class _Reading:
    """Makes sense of what was read."""

    def __init__(
        self, path: Path, text: str, component: ComponentTable, environment: Mapping[str, str]
    ) -> None:
        self._path = path
        self._text = text
        self._component = component
        self._environment = environment
        self._base = path.absolute().parent

    def loaded(self, settings: T, name: str) -> Loaded[T]:
        component = settings.component
        domain = self._domain("component", "domain", component.domain)
        return Loaded(
            settings,
            Identity(domain, self._secret(), component.instance),
            self._servers(settings.core, domain),
            tuple(self._domain("core", "guests", one) for one in settings.core.guests),
            self._base / component.data,
            settings.store.url or f"sqlite:{name}.db",
            str(self._path),
            self._text,
        )

    def _domain(self, table: str, key: str, text: str) -> str:
        try:
            return prepare_domain(text)
        except JIDError as error:
            raise self._fault(
                (table, key), f'"{text}" is no domain ({error})', "Write it as in example.org"
            ) from None

    def _servers(self, core: Core, domain: str) -> tuple[str, ...]:
        """The server's domains; a component is usually below the first of them."""
        named = (core.server,) if isinstance(core.server, str) else core.server
        if named:
            return tuple(self._domain("core", "server", one) for one in named)
        parent = domain.partition(".")[2]
        if not parent:
            problem = f"{domain} is below no domain that could be the server's"
            raise self._fault(("core", "server"), problem, "Name the server's domain")
        return (parent,)

    def _secret(self) -> str:
        """The one secret that is given, in one of three ways."""
        secret, file = self._component.secret, self._component.secret_file
        if secret and file:
            problem = "there is a secret and a secret_file"
            raise self._fault(("component", "secret_file"), problem, "Keep one of them")
        if file:
            secret = self._read(self._base / file)
        secret = secret or self._environment.get(SECRET_VARIABLE, "")
        if not secret:
            remedy = (
                "Give the one that the server has for this component, as secret or in secret_file"
            )
            raise self._fault(("component", "secret"), "there is no secret", remedy)
        return secret

    def _read(self, file: Path) -> str:
        key = ("component", "secret_file")
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            problem = f"{file} can't be read ({why})"
            raise self._fault(key, problem, "Name a file that this user can read") from None
        if not secret:
            raise self._fault(key, f"{file} is empty", "Write the secret into it, on one line")
        return secret

    def _fault(self, key: keys.Key, problem: str, remedy: str) -> ConfigError:
        where = keys.where(str(self._path), self._text, key)
        return ConfigError(where, keys.written(key), problem, remedy)
