"""nginx and HAProxy in front of a gateway: the samples in `etc/`, on ports of their own."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509

from tests.support.certificates import Authority, write_pair
from tests.support.ports import free_port
from tests.support.process import ROOT, RunningProcess, until

SBIN = "/usr/sbin:/usr/local/sbin"
"""Where such servers are; it is not in everybody's PATH."""

NAMES = ("nginx", "haproxy")

NGINX = """\
daemon off;
master_process off;
error_log stderr warn;
pid {home}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/sample.conf;
}}
"""
"""What Debian's own /etc/nginx/nginx.conf is for the sample, with nothing outside `home`."""


def program(name: str) -> str:
    """Where the program is; a test without it is skipped, and says so."""
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    return found


@contextmanager
def in_front(name: str, home: Path, gateway: int, authority: Authority) -> Iterator[int]:
    """The port for TLS of a proxy that passes on to the gateway's port."""
    where, port, plain = program(name), free_port(), free_port()
    pair = authority.issue([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate, key = home / "certs" / "chat.pem", home / "chat.key"
    write_pair(pair, certificate, key)
    ports = {"443": port, "80": plain, "5280": gateway}
    command = [where]
    if name == "nginx":
        sample = _nginx(ports, certificate, key)
        (home / "sample.conf").write_text(sample)
        (home / "nginx.conf").write_text(NGINX.format(home=home))
        command += ["-p", str(home), "-c", str(home / "nginx.conf")]
    else:
        certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
        (home / "haproxy.cfg").write_text(_haproxy(ports, certificate.parent))
        command += ["-db", "-f", str(home / "haproxy.cfg")]
    process = RunningProcess(command, home)
    try:
        until(lambda: _accepts(port) or process.ended)
        assert not process.ended, process.output
        yield port
    finally:
        process.stop()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


Changes: TypeAlias = Mapping[str, str | Callable[[re.Match[str]], str]]


def _sample(name: str, changes: Changes) -> str:
    """The sample with its ports and paths exchanged; each has to be there."""
    text = (ROOT / "etc" / name).read_text()
    for old, new in changes.items():
        text, count = re.subn(old, new, text)
        assert count, f"etc/{name} has no {old}"
    return text


def _nginx(ports: dict[str, int], certificate: Path, key: Path) -> str:
    return _sample(
        "nginx.conf",
        {
            r"listen \[::\]:\d+.*;": "",
            r"listen (\d+)": lambda found: f"listen 127.0.0.1:{ports[found[1]]}",
            "127.0.0.1:5280": f"127.0.0.1:{ports['5280']}",
            "/etc/ssl/.*/fullchain.pem": str(certificate),
            "/etc/ssl/.*/privkey.pem": str(key),
        },
    )


def _haproxy(ports: dict[str, int], certificates: Path) -> str:
    return _sample(
        "haproxy.cfg",
        {
            r"bind :(\d+),\S+ v6only": lambda found: f"bind 127.0.0.1:{ports[found[1]]}",
            "127.0.0.1:5280": f"127.0.0.1:{ports['5280']}",
            "/etc/haproxy/certs/": f"{certificates}/",
        },
    )
