"""Loading and unloading of modules."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from twisted.logger import Logger

from xmppd.core.context import ModuleContext
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

        Raises ConfigError for a name that no module has.
        """
        unknown = set(off) - self._available.keys()
        if unknown:
            raise ConfigError(
                source,
                "modules.off",
                f"no module is called {', '.join(sorted(unknown))}",
                f"There are: {', '.join(sorted(self._available))}",
            )
        wanted = [name for name in self._available if name not in set(off)]
        for name in [n for n in self.contexts if n not in wanted]:
            self.contexts.pop(name).undo()
            log.info("module {name} unloaded", name=name)
        for name in wanted:
            if name not in self.contexts:
                self._load(name)

    def _load(self, name: str) -> None:
        context = ModuleContext(self._host, name)
        try:
            self._available[name].register(context)
        except Exception:
            context.undo()
            raise
        self.contexts[name] = context
