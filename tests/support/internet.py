"""The loopback network as an internet of its own: addresses, names, and who vouches for whom.

    with Internet(directory) as internet:
        address = internet.address()
        internet.publish("prosody.lit", address, s2s=40001)
        ...  # whoever has `internet.names` as its name server finds prosody.lit there

Nothing outside it is asked anything: a name that nobody has published does not exist.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from tests.support.dns import NameServer
from tests.support.papers import Papers

NETWORK = "127.0.53"
"""Whatever is in 127.0.0.0/8 is this host, on Linux without any set-up."""


class Internet:
    """Name servers, a trusted authority and an untrusted one, and addresses that nobody has.

    `numbers` is a name server that says addresses where `names` says the names of hosts: for
    ejabberd, which asks for SRV records where it is told to, but has the C library look for
    addresses, which can't be told.
    """

    def __init__(self, directory: Path) -> None:
        self.papers = Papers()
        self.authority = self.papers.trusted.write(directory / "trusted.pem")
        self.names = NameServer(host=f"{NETWORK}.1", ttl=1, minimum=1)
        self.numbers = NameServer(host=f"{NETWORK}.1", ttl=1, minimum=1)
        self._free = count(2)

    def __enter__(self) -> Internet:
        self.names.start()
        self.numbers.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.names.stop()
        self.numbers.stop()

    def address(self) -> str:
        """A loopback address that nobody has."""
        return f"{NETWORK}.{next(self._free)}"

    def publish(self, domain: str, address: str, s2s: int = 0, direct: int = 0) -> None:
        """Tell where a domain is reached: with STARTTLS, and with direct TLS (XEP-0368).

        A port of 0: not at all, which is told too (RFC 2782).
        """
        host = f"xmpp.{domain}"
        self.names.records[host] = [f"A {address}"]
        for server, target in ((self.names, host), (self.numbers, address)):
            for service, port in (("xmpp-server", s2s), ("xmpps-server", direct)):
                found = f"SRV 0 0 {port} {target}" if port else "SRV 0 0 0 ."
                server.records[f"_{service}._tcp.{domain}"] = [found]

    def withdraw(self, domain: str) -> None:
        """Have a domain not exist any more."""
        for records in (self.names.records, self.numbers.records):
            for name in [name for name in records if name.endswith(f".{domain}")]:
                del records[name]
