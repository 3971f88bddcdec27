"""What the configuration file of `twistd xmppd-pubsub` has besides the tables of all components."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from components.common.config import Loaded, Settings
from components.pubsub.model.body import Transform
from components.pubsub.model.policy import Creators, Policy, accounts
from xmppd.config import keys
from xmppd.config.schema import Table
from xmppd.errors import ConfigError
from xmppd.jid import JIDError

_DEFAULT = Policy()

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]{1,1000}")

Count = Annotated[int, Meta(ge=0)]
Some = Annotated[int, Meta(ge=1)]


class PubsubTable(Table, frozen=True):
    """`[pubsub]`: who may do what on the service, and how much there may be of everything."""

    name: str = "Publish-subscribe"
    admins: tuple[str, ...] = ()
    create: Creators = _DEFAULT.create
    nodes: Count = _DEFAULT.nodes
    items: Some = _DEFAULT.items
    item_octets: Annotated[int, Meta(ge=1_024)] = _DEFAULT.item_octets
    item_elements: Annotated[int, Meta(ge=500)] = _DEFAULT.item_elements
    kept_octets: Count = _DEFAULT.kept_octets
    subscriptions: Some = _DEFAULT.subscriptions
    own_subscriptions: Some = _DEFAULT.own_subscriptions
    same_subscriptions: Some = _DEFAULT.same_subscriptions
    unasked: Count = _DEFAULT.unasked
    affiliations: Some = _DEFAULT.affiliations
    children: Some = _DEFAULT.children
    collections: Some = _DEFAULT.collections
    batch: Some = _DEFAULT.batch
    page: Some = _DEFAULT.page
    octets: Annotated[int, Meta(ge=1_024)] = _DEFAULT.octets
    elements: Annotated[int, Meta(ge=500)] = _DEFAULT.elements
    expire: Count = _DEFAULT.expire
    bodies: dict[str, str] = {}
    """Files with transformations, by URL."""


class Config(Settings, frozen=True):
    """The whole file."""

    pubsub: PubsubTable = PubsubTable()


def policy(loaded: Loaded[Config]) -> Policy:
    """The service's rules as a file has them; raises ConfigError for what makes no sense."""
    table = loaded.settings.pubsub
    try:
        admins = accounts(table.admins)
    except JIDError as error:
        remedy = "Write addresses such as admin@example.org"
        raise loaded.fault(("pubsub", "admins"), str(error), remedy) from None
    base = Path(loaded.source).absolute().parent
    bodies = {
        url: _transformation(loaded.source, url, base / file) for url, file in table.bodies.items()
    }
    return Policy(
        domains=loaded.servers,
        admins=admins,
        create=table.create,
        nodes=table.nodes,
        items=table.items,
        item_octets=table.item_octets,
        item_elements=table.item_elements,
        kept_octets=table.kept_octets,
        subscriptions=table.subscriptions,
        own_subscriptions=table.own_subscriptions,
        same_subscriptions=table.same_subscriptions,
        unasked=table.unasked,
        affiliations=table.affiliations,
        children=table.children,
        collections=table.collections,
        batch=table.batch,
        page=table.page,
        octets=table.octets,
        elements=table.elements,
        expire=table.expire,
        bodies=bodies,
    )


def _transformation(source: str, url: str, file: Path) -> Transform:
    """What a file has for `pubsub#body_xslt`; raises ConfigError."""
    # Most have none, and need not have lxml in memory either.
    from components.pubsub.model.xslt import Transformation

    key = keys.written(("pubsub", "bodies", url))
    if not _URL.fullmatch(url):
        remedy = "Write a URL such as http://example.org/body.xslt"
        raise ConfigError(source, key, f'"{url}" is no URL', remedy)
    try:
        return Transformation(file.read_bytes())
    except OSError as error:
        problem = f"{file} can't be read ({error.strerror})"
        raise ConfigError(source, key, problem, "Name a file that this user can read") from None
    except ValueError as error:
        problem = f"{file} is no stylesheet ({' '.join(str(error).split())})"
        remedy = "Write one of XSLT 1.0, in one file"
        raise ConfigError(source, key, problem, remedy) from None
