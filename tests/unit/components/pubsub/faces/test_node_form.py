"""The form of a node's configuration: what it shows, and what it reads (XEP-0060 §8.2, §17.4.4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from components.pubsub.faces.node_form import NodeForm
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import AT_DOMAIN, MAX, PERSONAL, Settings, restored, stored
from tests.support.forms import X, field, sent_back, submission
from xmppd.errors import StanzaError

NS = "http://jabber.org/protocol/pubsub"
FORM = NodeForm(Policy(items=500, item_octets=2_000, children=7))


def submit(**said: str | list[str]) -> Element:
    fields = {f"pubsub#{k}": [v] if isinstance(v, str) else v for k, v in said.items()}
    return submission(f"{NS}#node_config", fields)  # type: ignore[arg-type]


def options(**said: str) -> Element:
    return submission(f"{NS}#publish-options", {f"pubsub#{k}": [v] for k, v in said.items()})


def shown(settings: Settings, **more: list[str]) -> dict[str, list[str]]:
    form = fromstring(FORM.form(settings, **more).render())
    return {
        each.get("var", ""): [value.text or "" for value in each.iterfind(f"{X}value")]
        for each in form.iterfind(f"{X}field")
    }


@pytest.mark.parametrize(
    "settings", [AT_DOMAIN, PERSONAL, AT_DOMAIN.change(node_type="collection")]
)
def test_8_2_4_a_form_that_is_sent_back_as_it_is_changes_nothing(settings: Settings) -> None:
    changes = dict(FORM.submitted(sent_back(FORM.form(settings))))
    assert changes.pop("children", ()) == ()
    assert settings.change(**changes) == settings


def test_8_2_2_it_shows_how_the_node_is_set_up() -> None:
    settings = AT_DOMAIN.change(
        title="The balcony", max_items=3, contact=("nurse@capulet.lit",), language="it"
    )
    said = shown(settings)
    assert said["FORM_TYPE"] == [f"{NS}#node_config"]
    assert said["pubsub#title"] == ["The balcony"]
    assert said["pubsub#max_items"] == ["3"]
    assert said["pubsub#item_expire"] == ["max"]
    assert said["pubsub#contact"] == ["nurse@capulet.lit"]
    assert said["pubsub#language"] == ["it"]
    assert said["pubsub#max_payload_size"] == ["2000"]
    assert "pubsub#children" not in said


def test_every_option_has_a_text() -> None:
    """Some clients end where one has none."""
    for node_type in ("leaf", "collection"):
        form = fromstring(FORM.form(AT_DOMAIN.change(node_type=node_type)).render())
        assert all(each.findtext(f"{X}value") for each in form.iter(f"{X}option"))
    assert shown(AT_DOMAIN)["pubsub#language"] == []


def test_xep_0248_7_2_1_a_collection_has_fields_of_its_own_and_none_of_items() -> None:
    said = shown(AT_DOMAIN.change(node_type="collection"), children=["act", "scene"])
    assert said["pubsub#children"] == ["act", "scene"]
    assert {"pubsub#children_max", "pubsub#children_association_policy"} <= set(said)
    assert "pubsub#notify_config" in said
    assert not {"pubsub#max_items", "pubsub#persist_items", "pubsub#publish_model"} & set(said)


def test_8_2_2_groups_of_the_roster_are_there_to_choose_from() -> None:
    settings = AT_DOMAIN.change(roster_groups_allowed=("foes",))
    form = fromstring(FORM.form(settings, groups=["friends"]).render())
    (field_,) = (e for e in form if e.get("var") == "pubsub#roster_groups_allowed")
    assert [e.findtext(f"{X}value") for e in field_.iterfind(f"{X}option")] == ["foes", "friends"]
    assert FORM.submitted(submit(roster_groups_allowed=["a", "b"])) == {
        "roster_groups_allowed": ("a", "b")
    }


def test_8_2_4_what_is_left_out_stays_and_what_is_unknown_is_passed_over() -> None:
    assert FORM.submitted(submit(title="Verona", quarrel="1")) == {"title": "Verona"}


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"max_items": "max"}, {"max_items": MAX}),
        ({"max_items": "500"}, {"max_items": 500}),
        ({"item_expire": "604800"}, {"item_expire": 604_800}),
        ({"max_payload_size": "1028"}, {"max_payload_size": 1_028}),
        ({"max_payload_size": "2000"}, {"max_payload_size": 0}),
        ({"max_payload_size": ""}, {"max_payload_size": 0}),
        ({"children_max": ""}, {"children_max": 0}),
        ({"children_association_policy": "owner"}, {"children_association_policy": "owners"}),
        ({"collection": ""}, {"collection": ()}),
        ({"contact": "Nurse@capulet.lit"}, {"contact": ("nurse@capulet.lit",)}),
        ({"language": "pt-BR"}, {"language": "pt-BR"}),
        ({"language": ""}, {"language": ""}),
        ({"description": "Two households\nboth alike"},) * 2,
        ({"deliver_payloads": "false"}, {"deliver_payloads": False}),
        ({"itemreply": "owner"}, {"itemreply": "owner"}),
    ],
)
def test_values_that_there_may_be(said: dict[str, str], read: dict[str, object]) -> None:
    changes = FORM.submitted(submit(**said))
    assert changes == read
    assert restored(stored(AT_DOMAIN.change(**changes))) == AT_DOMAIN.change(**changes)


@pytest.mark.parametrize(
    "said",
    [
        {"max_items": "501"},
        {"max_items": "0"},
        {"max_items": "-1"},
        {"max_items": "many"},
        {"max_items": "9" * 5_000},
        {"max_items": "٣"},
        {"item_expire": "0"},
        {"max_payload_size": "2001"},
        {"publish_model": "nobody"},
        {"deliver_payloads": "perhaps"},
        {"contact": "@"},
        {"children_max": "8"},
        {"title": "O" * 1_024},
        {"language": "the queen's"},
        {"node_type": "tree"},
        {"dataform_xslt": "not a uri"},
        {"send_last_published_item": "always"},
        {"itemreply": "room"},
    ],
)
def test_8_2_5_2_what_can_not_be_is_not_acceptable(said: dict[str, str]) -> None:
    with pytest.raises(StanzaError) as refused:
        FORM.submitted(submit(**said))
    assert refused.value.condition == "not-acceptable"
    (name,) = said
    assert f"pubsub#{name}" in refused.value.text


def test_8_1_2_an_access_model_that_there_is_not_has_a_condition_of_its_own() -> None:
    for read, x in ((FORM.submitted, submit), (FORM.options, options)):
        with pytest.raises(StanzaError) as refused:
            read(x(access_model="locked"))
        assert refused.value.condition == "not-acceptable"
        assert b"unsupported-access-model" in refused.value.extra


def test_a_form_of_another_kind_is_a_bad_request() -> None:
    for x in (
        options(title="Verona"),
        submission(f"{NS}#node_config", field("pubsub#title", "a") + field("pubsub#title", "b")),
        None,
    ):
        with pytest.raises(StanzaError) as refused:
            FORM.submitted(x)
        assert refused.value.condition == "bad-request"


def test_7_1_5_preconditions_are_settings_as_they_have_to_be() -> None:
    x = options(access_model="whitelist", persist_items="1", max_items="max")
    assert FORM.options(x) == {
        "access_model": "whitelist",
        "persist_items": True,
        "max_items": MAX,
    }


@pytest.mark.parametrize("unknown", ["quarrel", "children"])
def test_7_1_5_unknown_preconditions_are_refused(unknown: str) -> None:
    with pytest.raises(StanzaError) as refused:
        FORM.options(options(access_model="open", **{unknown: "1"}))
    assert refused.value.condition == "not-acceptable"
    assert f"pubsub#{unknown}" in refused.value.text


def test_7_1_5_the_form_type_has_to_be_that_of_publish_options() -> None:
    for x in (submit(title="Verona"), submission(None, {"pubsub#title": ["Verona"]})):
        with pytest.raises(StanzaError) as refused:
            FORM.options(x)
        assert refused.value.condition == "bad-request"
