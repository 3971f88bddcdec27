"""The servers xmppd is measured against: Debian's Prosody and ejabberd.

Both get the same work to do: the modules that a client needs and no more, no limits or shapers,
passwords as SCRAM-SHA-256 keys, registration open, plaintext allowed (all of it is loopback).
Offline storage, acks (XEP-0198), rooms (XEP-0045), nodes (XEP-0060, XEP-0163), the port for
components, the one for other servers and the one for HTTP, with BOSH or WebSockets, are there for
the rows that need them, and for no other.
"""

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.server import (
    BOSH,
    COMPONENT,
    NODES,
    OWNERS,
    ROOMS,
    SECRET,
    SHUT,
    WEBSOCKET,
    Server,
)

_PROSODY = """\
run_as_root = true
data_path = "{home}/data"
pidfile = "{home}/prosody.pid"
log = {{ {{ levels = {{ min = "warn" }}, to = "file", filename = "{home}/prosody.log" }} }}
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
component_ports = {{ {component_port} }}
component_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {http_port} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
consider_bosh_secure = true
consider_websocket_secure = true
s2s_ports = {{ {s2s_port} }}
s2s_require_encryption = false
s2s_secure_auth = false
plugin_paths = {{ "{home}/plugins" }}
modules_enabled = {{
    "roster", "saslauth", "tls", "disco", "ping", "version", "time", "uptime", "register"{enabled}
}}
modules_disabled = {{ {disabled} }}
authentication = "internal_hashed"
password_hash = "SHA-256"
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
ssl = {{ certificate = "{crt}", key = "{key}" }}
VirtualHost "localhost"
{component}"""

_PROSODY_COMPONENTS = {
    "component": f"""\
Component "{COMPONENT}"
    component_secret = "{SECRET}"
""",
    "muc": f"""\
Component "{ROOMS}" "muc"
    muc_room_cache_size = 10000
""",
    "pubsub": f"""\
Component "{NODES}" "pubsub"
    admins = {{ {", ".join(f'"{owner}@localhost"' for owner in OWNERS)} }}
    pubsub_max_items = 10000
    storage_archive_item_limit = 20000
""",
}
"""Rooms beyond the cache's size would be written to disk. Only admins create nodes, and of items a
node keeps 256 at most as it comes, its store 10,000."""

_PROSODY_MODULES = {
    "acks": ', "smacks"',
    "vcard": ', "vcard"',
    "pep": ', "pep"',
    "s2s": ', "dialback", "places"',
    "bosh": ', "bosh"',
    "websocket": ', "websocket"',
}
_PROSODY_ABSENT = {"offline": '"offline"', "s2s": '"s2s"'}
"""What is loaded as it comes."""

_PROSODY_PLACES = """\
module:set_global();
local manual = require "net.resolvers.manual";
require "net.resolvers.service".new = function (host, service, _, extra)
    local port = host:find(".{shut}", 1, true) and {shut_port} or {remote_port};
    local places = {{ {{ "tcp4", "127.0.0.1", port, extra }} }};
    return manual.new(service == "xmpp-server" and places or {{}});
end
"""
"""A module that says where other servers are: Prosody asks name servers at port 53 only."""

_EJABBERD = """\
hosts: [localhost]
loglevel: warning
certfiles: ["{pem}"]
auth_method: internal
auth_password_format: scram
auth_scram_hash: sha256
listen:
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: true
    starttls_required: false
    access: all
    shaper: none
    max_stanza_size: 262144
    backlog: 1024
{component}{http}{s2s}access_rules:
  registration:
    allow: all
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_time: {{}}
  mod_version: {{}}
{enabled}  mod_register:
    access: registration
    access_from: registration
    ip_access: all
    password_strength: 0
registration_timeout: infinity
shaper_rules:
  offline:
    infinity: all
"""

_EJABBERD_COMPONENT = """\
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_service
    hosts:
      "{domain}":
        password: "{secret}"
"""

_EJABBERD_S2S = """\
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_s2s_in
    shaper: none
    max_stanza_size: 262144
    backlog: 1024
s2s_use_starttls: false
"""

_EJABBERD_HTTP = """\
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_http
    backlog: 1024
    request_handlers:
      {path}: {handler}
"""

_EJABBERD_HANDLERS = {
    "bosh": (BOSH, "mod_bosh"),
    "websocket": (WEBSOCKET, "ejabberd_http_ws"),
}

_INETRC = """\
{{resolv_conf, ""}}.
{{hosts_file, ""}}.
{{nameserver, {{127, 0, 0, 1}}, {port}}}.
{{lookup, [dns]}}.
"""
"""Where Erlang looks names up: at the load generator's name server, and nowhere else."""

_EJABBERD_MODULES = {
    "s2s": "  mod_s2s_dialback: {}\n",
    "offline": "  mod_offline:\n    access_max_user_messages: offline\n",
    "acks": "  mod_stream_mgmt: {}\n",
    "bosh": "  mod_bosh: {}\n",
    "vcard": "  mod_vcard: {}\n",
    "muc": f"""\
  mod_muc:
    host: "{ROOMS}"
    max_users: 10000
    max_users_presence: 10000
    max_user_conferences: 1000
    default_room_options:
      max_users: 10000
""",
    "pubsub": f"""\
  mod_caps: {{}}
  mod_pubsub:
    host: "{NODES}"
    max_items_node: 10000
    plugins: [flat, pep]
""",
}
"""As it comes, a room of ejabberd has 200 occupants at most, and 1,000 who hear of newcomers; and a
node 1,000 items."""


def _absence(program: str) -> str:
    return "" if shutil.which(program) else f"{program} is not installed"


def _package_version(package: str) -> str:
    """Return the version of a Debian package; "?" where dpkg does not know it."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "?"


class Prosody(Server):
    """Prosody, one Lua process on epoll."""

    name = "prosody"

    @classmethod
    def absence(cls) -> str:
        """Say whether `prosody` is missing."""
        return _absence("prosody")

    @classmethod
    def version(cls) -> str:
        """Return the package's version."""
        return _package_version("prosody")

    def configure(self) -> None:
        """Write `prosody.cfg.lua`."""
        (self.home / "data").mkdir(exist_ok=True)
        self._config = self.home / "prosody.cfg.lua"
        text = _PROSODY.format(
            home=self.home,
            port=self.port,
            crt=self.certificate.path("crt"),
            key=self.certificate.path("key"),
            component_port=self.component_port,
            http_port=self.http_port,
            s2s_port=self.s2s_port if "s2s" in self.features else "",
            component="".join(
                component
                for feature, component in _PROSODY_COMPONENTS.items()
                if feature in self.features
            ),
            enabled="".join(
                module for feature, module in _PROSODY_MODULES.items() if feature in self.features
            ),
            disabled=", ".join(
                module
                for feature, module in _PROSODY_ABSENT.items()
                if feature not in self.features
            ),
        )
        plugins = self.home / "plugins"
        plugins.mkdir(exist_ok=True)
        ports = {"remote_port": self.remote_port, "shut_port": self.shut_port}
        (plugins / "mod_places.lua").write_text(_PROSODY_PLACES.format(shut=SHUT, **ports))
        self._config.write_text(text)

    def multiply(self, node: str, stamp: int, count: int) -> bool:
        """Write the node's file: Prosody reads and writes all of it for each item published."""
        path = self.home / "data" / NODES.replace(".", "%2e") / f"pubsub_{node}.list"
        title, one = f"t={stamp} 1 ", path.read_text()
        if one.count(title) != 1:
            raise RuntimeError(f"{path} has no item {title!r}")
        with path.open("w") as items:
            for number in range(1, count + 1):
                new = f"t={stamp + number} {number} "
                items.write(one.replace(title, new).replace(str(stamp), str(stamp + number)))
        return True

    def command(self) -> list[str]:
        """Run it in the foreground."""
        return ["prosody", "-F", "--config", str(self._config)]


class Ejabberd(Server):
    """ejabberd, one Erlang scheduler.

    `erl` is run directly, since Debian's `ejabberdctl` changes to a user of its own; without
    distribution, so that no name server (epmd) is started or talked to.
    """

    name = "ejabberd"
    vm_options: list[str] = ["+S", "1"]
    """The Erlang options on top of those that `ejabberdctl` always gives."""

    _control = "ejabberdctl"

    @classmethod
    def absence(cls) -> str:
        """Say whether `ejabberdctl` or `erl` is missing."""
        return _absence(cls._control) or _absence("erl")

    @classmethod
    def version(cls) -> str:
        """Return the package's version, and how the Erlang machine is run."""
        return f"{_package_version('ejabberd')} (erl {' '.join(cls.vm_options)})"

    def configure(self) -> None:
        """Write `ejabberd.yml`."""
        self._config = self.home / "ejabberd.yml"
        text = _EJABBERD.format(
            port=self.port,
            pem=self.certificate.path("pem"),
            component=_EJABBERD_COMPONENT.format(
                port=self.component_port, domain=COMPONENT, secret=SECRET
            )
            if "component" in self.features
            else "",
            http="".join(
                _EJABBERD_HTTP.format(port=self.http_port, path=path, handler=handler)
                for feature, (path, handler) in _EJABBERD_HANDLERS.items()
                if feature in self.features
            ),
            s2s=_EJABBERD_S2S.format(port=self.s2s_port) if "s2s" in self.features else "",
            enabled="".join(
                _EJABBERD_MODULES.get(feature, "") for feature in sorted(self.features)
            ),
        )
        self._config.write_text(text)
        self._inetrc = self.home / "inetrc"
        self._inetrc.write_text(_INETRC.format(port=self.names_port))

    def command(self) -> list[str]:
        """Run it in the foreground, with the limits `ejabberdctl` gives it."""
        spool = self.home / "spool"
        spool.mkdir(exist_ok=True)
        limits = ["+K", "true", "+P", "250000"]
        return [
            *("erl", "-noinput", *limits, *self.vm_options),
            *("-mnesia", "dir", f'"{spool}"', "-s", "ejabberd"),
        ]

    def environment(self) -> dict[str, str]:
        """Point ejabberd at its files, and Erlang at Debian's libraries."""
        names = {"ERL_INETRC": str(self._inetrc)} if "s2s" in self.features else {}
        return names | {
            "EJABBERD_CONFIG_PATH": str(self._config),
            "EJABBERD_LOG_PATH": str(self.home / "ejabberd.log"),
            "ERL_CRASH_DUMP": str(self.home / "crash.dump"),
            "ERL_LIBS": self._libraries(),
            "ERL_MAX_ETS_TABLES": "1400",
            "ERL_MAX_PORTS": "32000",
            "HOME": str(self.home),
        }

    def _libraries(self) -> str:
        """Return the library directory that the installed `ejabberdctl` names."""
        script = Path(shutil.which(self._control) or "").read_text()
        found = re.search(r"^ERL_LIBS='?([^'\n]+)", script, re.MULTILINE)
        return found[1] if found else "/usr/lib"
