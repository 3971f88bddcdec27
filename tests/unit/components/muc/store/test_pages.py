"""Pages of archives (XEP-0313 §4, XEP-0059 §2), over every backend."""

from itertools import product
from random import Random

import pytest

from components.common.paging import Page
from components.muc.model.history import Said
from components.muc.store import pages as archive_pages
from components.muc.store.archive import Query, Result
from components.muc.store.pages import NAMED
from xmppd.errors import StanzaError
from xmppd.jid import JID

HAG, WITCH = map(JID.parse, ("hag66@shakespeare.lit", "wiccarocks@shakespeare.lit"))


@pytest.fixture
def told(backend, archive, cave):
    """Forty messages, those that were trimmed away aside, of two people with three nicknames."""
    messages = [
        Said(
            n * 10,
            f"id-{n * 7 % 64:02}",
            "",
            "",
            f"{n % 3}. witch",
            (HAG, WITCH)[n % 2].with_resource("pda"),
            "occ",
            b"%d" % n,
        )
        for n in range(1, 46)
    ]
    backend.reactor.wait_all([archive.add(cave, each) for each in messages])
    assert backend.reactor.wait(archive.trim(cave, 40)) == 5
    return messages[5:]


@pytest.fixture
def find(wait, archive, cave, told):
    return lambda query=Query(), page=Page(100): wait(archive.find(cave, query, page))  # noqa: B008


def numbers(result):
    return [each.number for each in result.items]


def refused(find, *arguments):
    with pytest.raises(StanzaError) as caught:
        find(*arguments)
    return caught.value.condition


def test_all_are_given_oldest_first(find, told):
    """§4.2: in chronological order."""
    assert find() == Result(told, True, 0, 40)


def test_an_empty_archive_has_empty_pages(wait, archive, make):
    """§4.1: such queries simply return no results."""
    heath = make("heath")
    for query, before in product((Query(), Query(start=1)), (None, "")):
        found = wait(archive.find(heath, query, Page(5, before=before)))
        assert found == Result([], True, None, 0)


def test_a_page_forwards(find, told):
    """§4.3.2; XEP-0059 §2.2: the index, and the number of all."""
    first = find(Query(), Page(15))
    assert first == Result(told[:15], False, 0, 40)
    second = find(Query(), Page(15, after=first.items[-1].id))
    assert second == Result(told[15:30], False, 15, 40)
    third = find(Query(), Page(15, after=second.items[-1].id))
    assert third == Result(told[30:], True, 30, 40)
    assert find(Query(), Page(15, after=told[-1].id)) == Result([], True, None, 40)


def test_a_page_backwards(find, told):
    """§4.3.3; XEP-0059 §2.3, §2.5."""
    last = find(Query(), Page(15, before=""))
    assert last == Result(told[25:], False, 25, 40)
    before = find(Query(), Page(25, before=last.items[0].id))
    assert before == Result(told[:25], True, 0, 40)
    assert find(Query(), Page(15, before=told[0].id)) == Result([], True, None, 40)


def test_a_page_by_index(find, told):
    """XEP-0059 §2.6."""
    assert find(Query(), Page(5, index=10)) == Result(told[10:15], False, 10, 40)
    assert find(Query(), Page(5, index=40)) == Result([], True, None, 40)
    assert find(Query(), Page(5, index=10**9)) == Result([], True, None, 40)
    assert refused(find, Query(with_author=HAG), Page(5, index=1)) == "feature-not-implemented"


def test_the_number_alone(find):
    """XEP-0059 §2.7; nothing was asked for that is not complete (§4.3.2)."""
    assert find(Query(), Page(0)) == Result([], False, None, 40)
    assert find(Query(with_author=HAG), Page(0)) == Result([], False, None, None)
    assert find(Query(start=10**9), Page(0)) == Result([], True, None, 0)


def test_by_time(find):
    """§4.1.2: both ends belong to it."""
    assert numbers(find(Query(start=100, end=130))) == [100, 110, 120, 130]
    assert numbers(find(Query(start=101, end=129))) == [110, 120]
    assert numbers(find(Query(end=70))) == [60, 70]
    assert numbers(find(Query(start=440))) == [440, 450]
    assert numbers(find(Query(start=130, end=100))) == []
    found = find(Query(start=100, end=200), Page(3, before=""))
    assert found.index, found.count == (8, 11)


def test_by_who(find, told):
    """§4.1.1."""
    assert find(Query(with_author=HAG)).items == [m for m in told if m.author == HAG]
    pda, phone = HAG.with_resource("pda"), HAG.with_resource("phone")
    assert find(Query(with_author=pda)).items == [m for m in told if m.author == HAG]
    assert find(Query(with_author=phone)) == Result([], True, None, None)
    assert find(Query(with_nick="0. witch")).items == [m for m in told if m.nick == "0. witch"]
    assert find(Query(with_nick="0. Witch")) == Result([], True, None, None)
    with pytest.raises(ValueError, match="at once"):
        Query(with_author=HAG, with_nick="0. witch")


def test_between_ids(find, told):
    """§4.1.3: before and after messages that are known."""
    query = Query(after_id=told[3].id, before_id=told[9].id)
    assert find(query) == Result(told[4:9], True, 0, 5)
    assert find(query, Page(2, before="")) == Result(told[7:9], False, 3, 5)
    assert find(Query(after_id=told[9].id, before_id=told[3].id)) == Result([], True, None, 0)
    # A page may begin at a message that the query leaves out.
    assert find(query, Page(9, after=told[1].id)) == Result(told[4:9], True, 0, 5)
    assert find(query, Page(9, before=told[1].id)) == Result([], True, None, 5)


def test_by_ids(find, told):
    """§4.1.3."""
    ids = [told[n].id for n in (20, 3, 9, 3)]
    assert find(Query(ids=ids)) == Result([told[3], told[9], told[20]], True, 0, 3)
    assert find(Query(ids=ids), Page(1, after=told[3].id)) == Result([told[9]], False, 1, 3)
    assert find(Query(ids=ids, end=told[9].number, with_author=told[9].author)).items == [
        m for m in (told[3], told[9]) if m.author == told[9].author
    ]
    assert find(Query(ids=[])) == Result([], True, None, 0)
    every = [each.id for each in told]
    assert find(Query(ids=every, with_nick="1. witch")).count == 13


@pytest.mark.parametrize("id_", ["id-99", "id-07", ""])
def test_an_id_that_the_archive_has_not_is_not_found(find, told, id_):
    """§4.1.3, §4.3.2; id-07 was there and is deleted."""
    known = told[0].id
    queries = [Query(ids=[known, id_]), Query(before_id=id_), Query(after_id=id_)]
    assert {refused(find, each) for each in queries} == {"item-not-found"}
    if id_:
        pages = [Page(5, after=id_), Page(5, before=id_)]
        assert {refused(find, Query(end=1), each) for each in pages} == {"item-not-found"}


def test_ids_are_bounded(find, told):
    assert find(Query(ids=[told[0].id] * NAMED)).count == 1
    assert refused(find, Query(ids=[told[0].id] * (NAMED + 1))) == "policy-violation"


def expected(told, query, page):
    """What `find` is to give, by the plain reading of §4."""
    matching = [
        m
        for m in told
        if (query.start is None or m.number >= query.start)
        and (query.end is None or m.number <= query.end)
        and query.with_nick in (None, m.nick)
        and query.with_author in (None, m.author)
        and (query.ids is None or m.id in query.ids)
    ]
    when = {m.id: m.number for m in told}
    if query.after_id is not None:
        matching = [m for m in matching if m.number > when[query.after_id]]
    if query.before_id is not None:
        matching = [m for m in matching if m.number < when[query.before_id]]
    asked = matching
    if page.before is not None:
        asked = [m for m in matching if not page.before or m.number < when[page.before]]
        items = asked[max(0, len(asked) - page.most) :]
    else:
        asked = [m for m in matching if not page.after or m.number > when[page.after]][page.index :]
        items = asked[: page.most]
    complete = len(items) == len(asked)
    if query.ids is None and (query.with_nick or query.with_author):
        return Result(items, complete, None, None)  # not counted (XEP-0059 §2.2)
    return Result(items, complete, matching.index(items[0]) if items else None, len(matching))


def test_any_query_and_any_page(find, told):
    random = Random(1606)

    def one(*others):
        return random.choice([None, None, *others])

    def known():
        return random.choice(told).id

    for _ in range(300):
        nick, author = one("1. witch", "2. witch"), None
        if nick is None:
            author = one(HAG, WITCH)
        ids = one([known() for _ in range(random.randrange(12))])
        ends = one(random.randrange(500)), one(random.randrange(500))
        query = Query(*ends, nick, author, one(known()), one(known()), ids)
        most = random.choice([0, 1, 3, 10, 100])
        place = random.choice([{}, {"after": known()}, {"before": known()}, {"before": ""}])
        counted = ids is not None or not (nick or author)
        page = Page(most, **(place or {"index": random.choice([0, 0, 1, 5, 60]) * counted}))
        assert find(query, page) == expected(told, query, page), (query, page)


class Recording:
    """A transaction that asks SQLite how it goes about each statement."""

    def __init__(self, tx):
        self.tx = tx
        self.plans = []

    async def execute(self, sql, params=()):
        rows = (await self.tx.execute(f"EXPLAIN QUERY PLAN {sql}", params)).rows
        self.plans += [row[3] for row in rows if "room_messages" in row[3]]
        return await self.tx.execute(sql, params)


RANGE = "SEARCH room_messages USING PRIMARY KEY (room=? AND position>? AND position<?)"
ONES = "SEARCH room_messages USING PRIMARY KEY (room=? AND position=?)"
END = "SEARCH room_messages USING PRIMARY KEY (room=?)"
"""Of messages: those of a page, some by their positions, and the first or the last one."""


@pytest.mark.parametrize("backend", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize(
    ("query", "messages", "index"),
    [
        (Query(), {RANGE, END}, "room_messages_by_id (room=? AND id=?)"),
        (Query(start=100, end=200), {RANGE}, "room_messages_by_number (room=? AND number>?)"),
        (Query(with_author=HAG), {RANGE, END}, RANGE),
        (Query(with_nick="1. witch"), {RANGE, END}, RANGE),
        (Query(ids=["id-42"]), {ONES, END}, "room_messages_by_id (room=? AND id=?)"),
    ],
)
def test_no_page_is_looked_for_in_the_whole_archive(
    wait, database, cave, told, query, messages, index
):
    async def work(tx):
        recording = Recording(tx)
        pages = [Page(3), Page(3, before=""), Page(3, after=told[9].id)]
        if not (query.with_author or query.with_nick):
            pages.append(Page(3, index=2))
        for page in pages:
            await archive_pages.find(recording, cave, query, page)
        return recording.plans

    plans = wait(database.read(work))
    assert {each for each in plans if "COVERING INDEX" not in each} == messages
    assert any(index in each for each in plans)
