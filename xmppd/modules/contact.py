"""Contact Addresses for XMPP Services (XEP-0157), from `[contact]`."""

from __future__ import annotations

from functools import partial

from xmppd.core.context import ModuleContext
from xmppd.core.forms import Field, Form
from xmppd.core.host import Host

XEP = (157, "1.1.1", "complete")

SERVER_INFO = "http://jabber.org/network/serverinfo"


def register(context: ModuleContext) -> None:
    """Show the addresses in the server's disco#info."""
    context.form(partial(_addresses, context.host))


def _addresses(host: Host) -> Form | None:
    """Make the form of the roles that have an address (§3); None where no role has."""
    contact = host.config.contact
    fields = [
        Field(f"{role}-addresses", addresses, type="list-multi")
        for role in contact.__struct_fields__
        if (addresses := getattr(contact, role))
    ]
    return Form(SERVER_INFO, fields) if fields else None
