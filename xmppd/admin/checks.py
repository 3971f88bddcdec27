"""What has to be in order for the server to run well, each point by itself.

The start-up goes through what it can't do without, and ends at the first fault; `xmppctl check`
goes through all and tells of each. No check changes anything.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from xmppd.admin import bundle_check, check_servers, control, ports
from xmppd.admin.assembly import check_modules, seal_of
from xmppd.admin.check_servers import LookUp, Note
from xmppd.admin.directory import no_place, user_name
from xmppd.admin.hold import check_unheld
from xmppd.admin.secret import NAME, kept_secret
from xmppd.bundled import places
from xmppd.config import S2S, Config
from xmppd.errors import ConfigError
from xmppd.net import pairs
from xmppd.net.chains import is_for_servers
from xmppd.net.peers import own_problem
from xmppd.net.tls import CertificateStore
from xmppd.net.trust import REMEDY, Trust, read_trust
from xmppd.reasons import REASONS
from xmppd.storage.dialect import POSTGRESQL, SQLITE
from xmppd.storage.migrate import CORE, read_schema_set
from xmppd.storage.sqlite import locked
from xmppd.storage.sqlite_connection import is_locked
from xmppd.storage.url import import_postgresql, is_postgresql

SOON = timedelta(days=14)
"""A certificate that expires within this should have been renewed."""

STARTING = 30
"""Seconds that a bundled component may take until it is connected."""

RETURNING = 60
"""Seconds after which a component that has gone, or the server's start, should be back: it tries
again within that, however long it has tried."""

LOCKED = 1.0
"""Seconds to wait for a database that somebody else has locked."""


Faults: TypeAlias = Callable[[Config, str], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Setting:
    """What is checked: a configuration, its file's name, and what a running server says."""

    config: Config
    source: str
    status: Mapping[str, Any] | None = None
    """The running server's answer to `status`; None where none runs."""
    unanswered: ConfigError | None = None
    """Why a server that is there could not be asked."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    look_up: LookUp | None = None
    """What asks the DNS; without it nobody does."""
    faults: Faults = lambda *_: ()
    """What asks bundled components about their settings (`bundle_check.faults`); likewise."""


class Finding(NamedTuple):
    """What a check found: in order, or a fault; `detail` says what exactly."""

    subject: str
    detail: str
    remedy: str = ""
    """"" where all is in order."""
    hint: str = ""
    """What would make it better where it is no fault."""


Told: TypeAlias = str | Note | ConfigError
"""What is in order, what could be better, what is not in order."""


class Check(NamedTuple):
    """A check: it yields what is in order and raises or yields what is not."""

    subject: str
    run: Callable[[Setting], Iterator[Told]]
    needed: bool = True
    """Whether the server can't start with a fault of this kind."""


def check_all(setting: Setting) -> Iterator[Finding]:
    """Go through all the checks."""
    for check in CHECKS:
        for found in _run(check, setting):
            if isinstance(found, ConfigError):
                where = found.key or found.source
                yield Finding(check.subject, f"{where}: {found.problem}", found.remedy)
            elif isinstance(found, Note):
                yield Finding(check.subject, found.said, hint=found.hint)
            else:
                yield Finding(check.subject, found)


def check_start(config: Config, source: str) -> None:
    """Raise the first ConfigError of what a server can't start without."""
    for check in CHECKS:
        if check.needed:
            for found in _run(check, Setting(config, source)):
                if isinstance(found, ConfigError) and not isinstance(found, _Advice):
                    raise found


def _run(check: Check, setting: Setting) -> Iterator[Told]:
    try:
        yield from check.run(setting)
    except ConfigError as error:
        yield error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        problem = f"{where}{error.strerror or error} (user {os.geteuid()})"
        yield ConfigError(setting.source, check.subject, problem, "Let this user get there")


def _configuration(setting: Setting) -> Iterator[Told]:
    loaded = check_modules(setting.config, setting.source)
    domains = ", ".join(setting.config.server.domains)
    yield f"{setting.source}: serves {domains}; {loaded} modules"


def _data(setting: Setting) -> Iterator[Told]:
    path = Path(setting.config.server.data)
    source = setting.source
    existing = next(level for level in (path, *path.parents) if level.exists())
    owner = existing.stat().st_uid
    if existing is path and path.is_dir() and owner != os.geteuid():
        # Root could work there all the same, and leave files that the other user can't open.
        problem = f"{path} belongs to another user ({user_name(owner)})"
        remedy = f"Run the server, and xmppctl, as that user: sudo -u {user_name(owner)} …"
        yield _Advice(source, "server.data", problem, remedy)
    if missing := no_place(path):
        raise ConfigError(source, "server.data", *missing)
    _check_writable(setting, "server.data", existing)
    if existing is not path:
        yield f"{path} will be made"
        return
    if setting.status is None and setting.unanswered is None:
        check_unheld(path, source)
    state = path.stat()
    yield f"{path} can be written to"
    if state.st_mode & 0o077:
        problem = f"others may look into {path} (mode {state.st_mode & 0o777:o})"
        yield _Advice(source, "server.data", problem, f"chmod 700 {path}")


def _check_writable(setting: Setting, key: str, directory: Path) -> None:
    """Raise ConfigError where no file can be made; one is, and taken away at once.

    To ask for permission is not enough: root has it in /proc, where nothing can be made.
    """
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        problem = f"user {os.geteuid()} can't write to {directory} ({error.strerror})"
        remedy = "Name a directory that it can write to"
        raise ConfigError(setting.source, key, problem, remedy) from None


def _secrets(setting: Setting) -> Iterator[Told]:
    data = Path(setting.config.server.data)
    if (data / NAME).exists():
        kept_secret(data)
        yield f"{NAME} is sound"
    if (data / "legacy.key").exists() and seal_of(setting.config) is not None:
        yield "legacy.key is sound"


def _store(setting: Setting) -> Iterator[Told]:
    url = setting.config.store.url
    if is_postgresql(url):
        yield from _server_store(setting)
        return
    path = url.removeprefix("sqlite:")
    known = read_schema_set(CORE, SQLITE).version
    if path == ":memory:":
        yield "in memory: nothing outlives the server"
        return
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if Path(path).parent != Path(setting.config.server.data):
            _check_writable(setting, "store.url", Path(path).parent)
        yield f"{path} will be made"
        return
    try:
        version = _schema_version(path)
        if setting.status is None and setting.unanswered is None:
            _check_unlocked(path)
    except sqlite3.Error as error:
        if is_locked(error):
            raise locked(setting.source, path) from None
        remedy = "Name an SQLite database that this user can read, or restore a backup"
        raise ConfigError(setting.source, "store.url", f"{path}: {error}", remedy) from None
    yield _of_version(setting, path, version, known)


def _server_store(setting: Setting) -> Iterator[Told]:
    """Look at a PostgreSQL database."""
    server = import_postgresql(setting.source)
    known = read_schema_set(CORE, POSTGRESQL).version
    where, version = server.schema_version(setting.config.store.url, CORE.name, setting.source)
    yield _of_version(setting, where, version, known)


def _of_version(setting: Setting, where: str, version: int, known: int) -> str:
    """What is told of a store by its schema's version; raises ConfigError for one too new."""
    if version > known:
        problem = f"{where} has schema version {version}; this release knows {known}"
        remedy = "Start the newer release, or restore the backup made before the upgrade"
        raise ConfigError(setting.source, "store.url", problem, remedy)
    upgrade = "" if version == known else f", to become {known} at the next start"
    return f"{where}, schema version {version}{upgrade}"


def _schema_version(path: str) -> int:
    with closing(_opened(path, "ro")) as connection:
        query = "SELECT max(version) FROM schema_migrations WHERE schema_set = ?"
        try:
            return connection.execute(query, (CORE.name,)).fetchone()[0] or 0
        except sqlite3.Error as error:
            if "no such table" in str(error):
                return 0
            raise


def _check_unlocked(path: str) -> None:
    """Take the lock that a server needs to write, and let it go; raises sqlite3.Error."""
    with closing(_opened(path, "rw")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _opened(path: str, mode: str) -> sqlite3.Connection:
    uri = f"{Path(path).as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=LOCKED, isolation_level=None)


def _certificates(setting: Setting) -> Iterator[Told]:
    tls, domains = setting.config.tls, setting.config.server.domains
    with tempfile.TemporaryDirectory() as scratch:
        store = CertificateStore(
            tls,
            domains,
            scratch,
            lambda: setting.now,
            setting.source,
            s2s=S2S(enabled=False),  # its authorities are another check's
            components=[*setting.config.components, *_bundled_domains(setting)],
        )
    faulty = {problem.domain for problem in store.problems}
    for problem in store.problems:
        where = f"{problem.domain}: {problem.file}"
        yield ConfigError(setting.source, where, problem.problem, problem.remedy)
    for domain in domains:
        if domain in faulty:
            continue
        if not tls.certificates:
            yield f"{domain}: self-signed (no [tls] certificates)"
            continue
        pair, _ = pairs.find(Path(tls.certificates), domain, setting.now)
        if pair is not None:
            yield _until(setting, domain, pair.certificate.not_valid_after_utc)
            if not is_for_servers(pair.certificate):
                words = "the certificate is not for servers (its extended key usage)"
                yield _Advice(setting.source, domain, words, "Have it issued for a TLS server")


def _bundled_domains(setting: Setting) -> list[str]:
    try:
        found = list(places(setting.config, setting.source))
    except ConfigError:
        return []  # the check of components tells of it
    return [place.domain for place in found if not place.unwanted]


def _until(setting: Setting, domain: str, end: datetime) -> str | ConfigError:
    if end - setting.now < SOON:
        problem = f"the certificate expires on {end:%Y-%m-%d}"
        return ConfigError(setting.source, domain, problem, "Renew it, then xmppctl reload")
    return f"{domain}: valid until {end:%Y-%m-%d} ({(end - setting.now).days} days)"


def _other_servers(setting: Setting) -> Iterator[Told]:
    """Whether this one can tell who others are, and they find and believe it."""
    config = setting.config
    if not config.s2s.enabled:
        yield "there are none ([s2s] enabled)"
        return
    trust = read_trust(config.s2s.ca, setting.source)
    if trust.problem:
        yield _Advice(setting.source, "s2s.ca", trust.problem, REMEDY)
    else:
        authorities = config.s2s.ca or "the authorities of this host"
        yield f"certificates are checked against {authorities}"
        yield from _believed(setting, trust)
        yield from check_servers.papers(config, setting.source, setting.now, trust)
    yield from check_servers.names(config, setting.source, setting.look_up)


def _believed(setting: Setting, trust: Trust) -> Iterator[Told]:
    """Whether another server with the same rules would believe this one."""
    certificates = setting.config.tls.certificates
    if setting.config.s2s.require != "certificate" or not certificates:
        return
    for domain in setting.config.server.domains:
        pair, faulty = pairs.find(Path(certificates), domain, setting.now)
        if pair is None or faulty is not None:
            continue
        if why := own_problem(pair, domain, trust):
            words = f"a server with the same rules would not believe its certificate: {why}"
            remedy = "Put the full chain there, of an authority that other servers trust"
            yield _Advice(setting.source, domain, words, remedy)


def _control(setting: Setting) -> Iterator[Told]:
    path = setting.config.listen.control
    if setting.status is not None:
        yield f"the running server (process {setting.status['pid']}) answers at {path}"
        return
    if setting.unanswered is not None:
        raise setting.unanswered
    control.check_free(path, setting.source)
    if Path(path).parent != Path(setting.config.server.data):
        _check_writable(setting, control.KEY, Path(path).parent)
    yield f"no server runs; {path} is free"


def _ports(setting: Setting) -> Iterator[Told]:
    held = (setting.status or {}).get("listening", ())
    if nobody := ports.nobody_connects(setting.config):
        yield _Advice(setting.source, "listen", *nobody)
    for key, description in ports.listeners(setting.config):
        if any(one["endpoint"] == description for one in held):
            yield f"{key}: {description} is held by the running server"
            continue
        try:
            tried = ports.check_port(setting.source, key, description)
        except ConfigError as error:
            yield error
        else:
            yield f"{key}: {description} {'is free' if tried else 'was not tried'}"


def _components(setting: Setting) -> Iterator[Told]:
    """The bundled ones, and with a running server whether all are there."""
    status = setting.status or {}
    children = {one["domain"]: one for one in status.get("bundled", ())}
    for place in places(setting.config, setting.source):
        name = place.bundled.name
        if place.unwanted:
            yield f"{name} is not started: {place.unwanted}"
        elif place.domain not in children:
            yield f"{name} is started with the server, at {place.domain}"
    for key, words in setting.faults(setting.config, setting.source):
        yield _Advice(setting.source, key, words, bundle_check.REMEDY.format(key))
    for child in children.values():
        if child["failures"]:
            times = f"{child['name']} has ended of itself (failures in a row: {child['failures']})"
            words = f"{times}, the last time with: {child['last_words']}"
            yield _Advice(setting.source, "bundled", words, REASONS["component.failing"][1])
    for domain, instances in status.get("components", {}).items():
        child = children.get(domain)
        if instances:
            yield f"{domain} is connected"
        elif child is not None and child["seconds"] <= STARTING:
            yield f"{domain} is starting"
        else:
            absent = status.get("absent", {}).get(domain, {})
            yield _absent(setting.source, domain, absent, bundled=child is not None)


def _absent(source: str, domain: str, absent: Mapping[str, Any], *, bundled: bool) -> Told:
    """What is to be said of a component that is not there; `absent` is what the server knows."""
    remedy = "See its own log, and xmppctl components"
    refusal, seconds = absent.get("refusal"), absent.get("seconds", RETURNING + 1)
    if refusal:
        words = f"is not connected, refused with {refusal['reason']} ({refusal['meaning']})"
        return _Advice(source, domain, words, refusal["remedy"] or remedy)
    if seconds <= RETURNING and not bundled:
        return Note(f"{domain} is not connected, for {seconds} s now: it may be restarting", remedy)
    return _Advice(source, domain, "is not connected", remedy)


class _Advice(ConfigError):
    """A fault that no server fails to start for."""


CHECKS = (
    Check("configuration", _configuration),
    Check("data directory", _data),
    Check("secrets", _secrets),
    Check("store", _store),
    Check("certificates", _certificates, needed=False),
    Check("other servers", _other_servers, needed=False),
    Check("control socket", _control),
    Check("ports", _ports),
    Check("components", _components),
)
"""All checks, in the order in which a start-up depends on them."""
