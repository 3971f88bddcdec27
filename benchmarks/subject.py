"""xmppd itself, the server under test, run from this working tree."""

import importlib.util
import os
import sys
from pathlib import Path

from benchmarks.server import COMPONENT, REMOTE, SECRET, SHUT, Server

REPOSITORY = Path(__file__).resolve().parent.parent
_PROFILED = REPOSITORY / "benchmarks" / "profiled"
"""What Python starts with where programs are to be profiled."""

_CONFIG = """\
[server]
domains = ["localhost"]
data = "{home}/data"

[listen]
c2s = ["tcp:{port}:interface=127.0.0.1"]
c2s_tls = []
component = ["tcp:{component_port}:interface=127.0.0.1"]
s2s = ["tcp:{s2s_port}:interface=127.0.0.1"]
s2s_tls = []

[tls]
certificates = "{certificates}"
require = false

[auth]
plain_without_tls = "loopback"

[registration]
policy = "loopback"
per_address = 1000000
per_seconds = 1

[limits]
connections_per_address = 0
unauthenticated = 0
unauthenticated_per_address = 0

[log]
level = "warn"
"""


_COMPONENT = """
[components."{domain}"]
secret = "{secret}"
multicast = 100_000
"""

_S2S = """
[s2s]
require = "none"
this_host = true
connections_per_address = 0

[s2s.routes]
"*.{remote}" = ["tcp:127.0.0.1:{remote_port}"]
"*.{shut}" = ["tcp:127.0.0.1:{shut_port}"]
"""

_NO_S2S = """
[s2s]
enabled = false
"""

_BUNDLED_SETTINGS = {
    "muc": """\
sessions = 0
[bundled.settings.muc.rates]
messages = 0
room_messages = 0
presence = 0
room_presence = 0
requests = 0
joins = 0
""",
    "bosh": """\
listen = ["tcp:{http_port}:interface=127.0.0.1"]
connections = 0
sessions = 0
sessions_per_address = 0
requests_per_second = 0
idle_seconds = 600
""",
}
"""What a bundled component is told, as TOML, for the rows that need it: no limits, as the peers."""


_COMPONENT_OF = {"websocket": "bosh"}
"""Which bundled component has a feature, where that is not called the same."""


class Xmppd(Server):
    """xmppd under `twistd`, by the Python that runs this program.

    `profiles` is the directory that cProfile's figures go to when the server ends, in a file for
    each program of it; None for none.
    """

    name = "xmppd"
    profiles: Path | None = None

    @classmethod
    def absence(cls) -> str:
        """Say whether the Twisted plugin or Twisted is missing."""
        if not (REPOSITORY / "twisted/plugins/xmppd.py").exists():
            return "twisted/plugins/xmppd.py is not there"
        if importlib.util.find_spec("twisted") is None:
            return f"{sys.executable} has no Twisted"
        return ""

    @classmethod
    def version(cls) -> str:
        """Return the package's version."""
        import xmppd

        return f"{xmppd.__version__}, Python {sys.version.split()[0]}"

    def configure(self) -> None:
        """Write `xmppd.toml`."""
        self._config = self.home / "xmppd.toml"
        text = _CONFIG.format(
            home=self.home,
            port=self.port,
            component_port=self.component_port,
            s2s_port=self.s2s_port,
            certificates=self.certificate.directory,
        )
        if "component" in self.features:
            text += _COMPONENT.format(domain=COMPONENT, secret=SECRET)
        text += self._elsewhere()
        self._config.write_text(text + self._bundled() + self.store())

    def _elsewhere(self) -> str:
        """Return the configuration's `[s2s]`: no other servers but for the rows about them."""
        if "s2s" not in self.features:
            return _NO_S2S
        ports = {"remote_port": self.remote_port, "shut_port": self.shut_port}
        return _S2S.format(remote=REMOTE, shut=SHUT, **ports)

    def _bundled(self) -> str:
        """Return the configuration's `[bundled]`: of the components those that a row needs."""
        from xmppd.bundled import BUNDLED

        wanted = {_COMPONENT_OF.get(feature, feature) for feature in self.features}
        names = [each.name for each in BUNDLED]
        off = [name for name in names if name not in wanted]
        text = f"\n[bundled]\nstart = {str(off != names).lower()}\noff = {off}\n"
        for name, settings in _BUNDLED_SETTINGS.items():
            if settings and name in wanted:
                settings = settings.format(http_port=self.http_port)
                text += f"\n[bundled.settings.{name}]\n{settings}"
        return text

    def store(self) -> str:
        """Return the configuration's `[store]`; the default, SQLite below `data`, needs none."""
        return ""

    def command(self) -> list[str]:
        """Run `twistd` in the foreground."""
        return [
            str(Path(sys.executable).with_name("twistd")),
            *("-n", "--pidfile=", "--reactor=epoll"),
            *("xmppd", "-c", str(self._config)),
        ]

    def environment(self) -> dict[str, str]:
        """Let Python find the working tree from the private directory, and profile if asked to."""
        path = [str(REPOSITORY)]
        if inherited := os.environ.get("PYTHONPATH"):
            path.append(inherited)
        if self.profiles is None:
            return {"PYTHONPATH": os.pathsep.join(path)}
        path.insert(0, str(_PROFILED))
        return {
            "PYTHONPATH": os.pathsep.join(path),
            "XMPPD_BENCH_PROFILES": str(self.profiles),
        }
