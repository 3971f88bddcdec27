"""Publish-subscribe (XEP-0060) and personal eventing (XEP-0163): `twistd xmppd-pubsub`."""
