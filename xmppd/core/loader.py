"""Loading and unloading of modules."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable
from types import ModuleType

from twisted.logger import Logger

from xmppd.core.context import ClaimedError, ModuleContext
from xmppd.core.host import Host
from xmppd.errors import ConfigError

log = Logger()


class Loaded:
    """The modules in force, by name. A module is a file with `register(context)`."""

    def __init__(self, host: Host, available: Iterable[ModuleType]) -> None:
        self._host = host
        self._available = {m.__name__.rpartition(".")[2]: m for m in available}
        self.contexts: dict[str, ModuleContext] = {}

    def follow(self, off: Iterable[str], source: str = "configuration") -> None:
        """Load what is not switched off, unload what is; nothing else is touched.

        Raises ConfigError for a name that no module has and for a module that can't be
        registered; the modules that were loaded before are loaded then.
        """
        off = set(off)
        unknown = off - self._available.keys()
        if unknown:
            raise ConfigError(
                source,
                "modules.off",
                f"no module is called {', '.join(sorted(unknown))}",
                f"There are: {', '.join(sorted(self._available))}",
            )
        before = list(self.contexts)
        try:
            self._become([name for name in self._available if name not in off], source)
        except ConfigError:
            self._become(before, source)
            raise

    def _become(self, wanted: Collection[str], source: str) -> None:
        for name in [n for n in self.contexts if n not in wanted]:
            self.contexts.pop(name).undo()
            log.info("module {name} unloaded", name=name)
        for name in wanted:
            if name not in self.contexts:
                self._load(name, source)

    def _load(self, name: str, source: str) -> None:
        context = ModuleContext(self._host, name)
        try:
            self._available[name].register(context)
        except Exception as error:
            context.undo()
            raise unusable(source, name, error) from error
        self.contexts[name] = context


def unusable(source: str, name: str, error: Exception) -> ConfigError:
    """What an operator is told of the module `name` that can't be imported or registered."""
    if isinstance(error, ClaimedError):
        what = str(error)
        remedy = "Switch one of the two off in [modules] off, or install this release anew"
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
        remedy = "Install this release anew, or switch the module off in [modules] off"
    return ConfigError(source, "modules", f"{name} can't be loaded: {what}", remedy)
