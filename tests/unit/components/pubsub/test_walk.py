"""The shortest ways through the whole: at the domain, and at an account."""

from tests.support.pubsub import Globe, P, befriend, error


def test_7_1_a_subscriber_is_told_of_what_is_published() -> None:
    globe = Globe().start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    assert juliet.create("play").get("type") == "result"
    assert romeo.subscribe("play").get("type") == "result"
    assert juliet.publish("play", id_="1").get("type") == "result"
    event = romeo.event()
    assert event[0].get("node") == "play"
    assert event[0][0].get("id") == "1"
    assert romeo.ids("play") == ["1"]
    assert error(romeo.publish("play")) == ("forbidden",)


def test_xep_0163_3_a_node_is_created_by_publishing() -> None:
    globe = Globe().start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    assert juliet.publish("tune", id_="1", to="").get("type") == "result"
    wanted = romeo.items("tune", to="juliet@capulet.lit")
    assert error(wanted) == ("not-authorized", "presence-subscription-required")
    befriend(juliet, romeo)
    answer = romeo.items("tune", to="juliet@capulet.lit")
    assert [each.get("id") for each in answer.iter(f"{P}item")] == ["1"]
