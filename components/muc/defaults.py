"""How the operator has rooms be that nobody has set up: `[muc.defaults]` of the configuration file.

The keys are those of `Settings`, and what they may be is what owners may have them be.
"""

from __future__ import annotations

from msgspec import structs

from components.muc.faces.configuration import SECRET, fields
from components.muc.faces.configuration_form import check
from components.muc.model.policy import Policy
from components.muc.model.settings import Settings
from xmppd.errors import ConfigError, StanzaError

TABLE = "muc.defaults"


class Defaults(Settings, frozen=True, forbid_unknown_fields=True):
    """`[muc.defaults]`."""


def checked(table: Defaults, rules: Policy, source: str) -> Settings:
    """The settings that a table gives; raises ConfigError for what owners could not have either.

    `source` is the file that it stands in. What the service allows less of is less here too.
    """
    settings = Settings(**{each.name: getattr(table, each.name) for each in structs.fields(table)})
    settings = settings.change(
        history=min(settings.history, rules.history),
        max_occupants=min(settings.max_occupants, rules.occupants),
    )
    for name, field in {**fields(rules), "password": SECRET}.items():
        try:
            field.read(field.write(getattr(settings, name)))
        except ValueError as error:
            raise ConfigError(source, f"{TABLE}.{name}", str(error), "Correct it") from None
    try:
        check(settings)
    except StanzaError as error:
        remedy = "Give question and answer, or neither"
        raise ConfigError(source, f"{TABLE}.question", error.text, remedy) from None
    return settings
