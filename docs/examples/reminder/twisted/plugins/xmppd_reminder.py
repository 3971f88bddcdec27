"""`twistd xmppd-reminder`."""

from twisted.application.service import ServiceMaker

reminder = ServiceMaker(
    "xmppd-reminder",
    "xmppd_reminder.tap",
    "Reminds people of what they ask for",
    "xmppd-reminder",
)
