"""A real ejabberd that talks to other servers."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.federation import PEOPLE, TOLERATED, Foreign, Link, missing, tolerated_domains
from tests.support.process import RunningProcess
from tests.support.server import PASSWORD

CONFIG = """\
hosts: [{hosts}]
loglevel: info
certfiles: ["{home}/certs/*.pem"]
ca_file: "{authority}"
auth_method: internal
auth_password_format: plain
s2s_use_starttls: {starttls}
outgoing_s2s_families: [ipv4]
s2s_dns_timeout: 5
s2s_dns_retries: 1
s2s_max_retry_delay: 1
listen:
  -
    port: {c2s}
    ip: "127.0.0.1"
    module: ejabberd_c2s
  -
    port: {s2s}
    ip: "{address}"
    module: ejabberd_s2s_in
{direct}acl:
  tolerated:
{tolerated}access_rules:
  dialback:
    allow: {dialback}
  create:
    allow: all
modules:
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_disco: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_roster: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
  mod_pubsub:
    plugins: [flat, pep]
append_host_config:
  "{domain}":
    modules:
      mod_s2s_dialback:
        access: dialback
      mod_muc:
        host: "{rooms}"
        access_create: create
"""
DIRECT = """\
  -
    port: {s2s_tls}
    ip: "{address}"
    module: ejabberd_s2s_in
    tls: true
"""
OTHER = """\
  "{domain}":
    modules:
      mod_s2s_dialback:
        access: {access}
"""
READY = "ejabberd is ready"
AUTHENTICATED = re.compile(
    r"\((tls|tcp)\S*\) Accepted (?:in|out)bound s2s (\S+) authentication (\S+) -> (\S+)"
)


def absence_of_ejabberd() -> str:
    """What is not installed; "" if all is."""
    absent = missing("ejabberdctl", "erl")
    return f"{absent} is not installed (apt-get install ejabberd)" if absent else ""


class FederatedEjabberd(Foreign):
    """ejabberd with rooms, personal nodes, and what else is asked across servers.

    `erl` is run directly, since Debian's `ejabberdctl` changes to a user of its own; without
    distribution, so that no name server of Erlang's (epmd) is started or talked to.
    """

    name = "ejabberd"
    common_names = True

    def configure(self) -> None:
        self.write_papers(self.home / "certs")
        (self.home / "spool").mkdir(exist_ok=True)
        settings = {
            "hosts": ", ".join(f'"{domain}"' for domain in self.kinds),
            "domain": self.domain,
            "rooms": self.rooms,
            "home": self.home,
            "authority": self.authority,
            "address": self.address,
            "c2s": self.c2s,
            "s2s": self.s2s,
            "starttls": "false" if self.plain else "required",
            "direct": "" if self.plain else DIRECT.format(**vars(self)),
            "tolerated": "".join(
                f"    - server: {domain}\n" for n in self.others for domain in tolerated_domains(n)
            ),
            "dialback": "all" if self.plain else "tolerated",
        }
        others = [
            OTHER.format(domain=domain, access="all" if TOLERATED in domain else "dialback")
            for domain in self.kinds
            if domain != self.domain
        ]
        (self.home / "ejabberd.yml").write_text(CONFIG.format(**settings) + "".join(others))
        numbers = self.internet.numbers
        host, port = numbers.host.replace(".", ","), numbers.port
        (self.home / "inetrc").write_text(
            '{lookup, [dns]}.\n{resolv_conf, ""}.\n{hosts_file, ""}.\n{search, []}.\n'
            f"{{nameserver, {{{host}}}, {port}}}.\n{{cache_size, 0}}.\n{{timeout, 3000}}.\n"
        )

    def start(self) -> None:
        settings = {
            "EJABBERD_CONFIG_PATH": str(self.home / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.home / "ejabberd.log"),
            "ERL_CRASH_DUMP": str(self.home / "crash.dump"),
            "ERL_INETRC": str(self.home / "inetrc"),
            "ERL_LIBS": _libraries(),
            "HOME": str(self.home),
        }
        command = ["env", *(f"{name}={value}" for name, value in settings.items()), *self._erl()]
        self.process = RunningProcess(command, self.home)
        self.process.wait_for(READY)
        self.listens()

    def _erl(self) -> list[str]:
        """Erlang with ejabberd, which makes all accounts there and then says that it is ready."""
        people, domains = _binaries(PEOPLE), _binaries(self.kinds)
        accounts = (
            f'[ejabberd_auth:try_register(U, S, <<"{PASSWORD}">>) || U <- {people}, S <- {domains}]'
        )
        said = f'{accounts}, io:format("{READY}~n")'
        return [
            *("erl", "-noinput", "+K", "true", "+S", "1", "+sbwt", "none"),
            *("-mnesia", "dir", f'"{self.home / "spool"}"', "-s", "ejabberd", "-eval", said),
        ]

    @property
    def log(self) -> str:
        return (self.home / "ejabberd.log").read_text()

    def links(self) -> set[Link]:
        found = AUTHENTICATED.findall(self.log)
        return {Link(opener, to, how, tls == "tls") for tls, how, opener, to in found}


def _binaries(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'<<"{text}">>' for text in texts) + "]"


def _libraries() -> str:
    """The library directory that the installed `ejabberdctl` names."""
    script = Path(shutil.which("ejabberdctl") or os.devnull).read_text()
    found = re.search(r"^ERL_LIBS='?([^'\n]+)", script, re.MULTILINE)
    return found[1] if found else "/usr/lib"
