"""One message for many in a user's name (XEP-0356 §5 around XEP-0033).

    to_many = PrivilegedMulticast(component, privilege, multicast)
    to_many.message(account, contacts, event, type_="headline")

xmppd sends it on to each as if it had come by itself. A server may do both and not both at once:
where it is told of multicast, it is trusted with this, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.common.build import Content, message_content
from components.common.component import Component
from components.common.multicast import FEW, Multicast, Recipients, replying
from components.common.privilege import NotGranted, Privilege
from xmppd.jid import JID


class PrivilegedMulticast:
    """Sends messages in the names of accounts to many at once."""

    def __init__(self, component: Component, privilege: Privilege, multicast: Multicast) -> None:
        self._component = component
        self._privilege = privilege
        self._multicast = multicast

    def message(
        self,
        sender: JID,
        recipients: Iterable[JID] | Recipients,
        *content: Content,
        type_: str = "",
        id_: str = "",
        reply_to: JID | None = None,
    ) -> None:
        """Send a message from an account's bare JID to all `recipients`, each address once.

        They are told where replies are to go, if that is elsewhere. One stanza each where the
        server of the account does no multicast. Raises NotGranted.
        """
        if self._privilege.of(sender).message != "outgoing":
            raise NotGranted("message")
        if not isinstance(recipients, Recipients):
            recipients = Recipients(recipients)
        server = JID.parse(sender.domain)
        inner = message_content(content)
        if self._multicast.at(server) and len(recipients) > FEW:
            headers = recipients.headers(self._multicast.most - (reply_to is not None))
            if reply_to is not None:
                headers = [replying(header, reply_to) for header in headers]
            parts = [(server, header + inner) for header in headers]
        else:
            header = b"" if reply_to is None else replying(b"", reply_to)
            parts = [(jid, header + inner) for jid in recipients.jids]
        self._component.send_all(
            self._privilege.written(sender, to, said, type_=type_, id_=id_) for to, said in parts
        )
