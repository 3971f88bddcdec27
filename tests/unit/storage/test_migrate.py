"""Contract of the migrations, over every backend that keeps its data."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.stores import credentials
from xmppd.errors import ConfigError, StoreError
from xmppd.jid import JID
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.dialect import SQLITE
from xmppd.storage.migrate import CORE, read_schema_set

PLAYS = "CREATE TABLE plays (id $id, title $text NOT NULL);\n"
ACTS = "CREATE TABLE acts (id $id, play BIGINT NOT NULL REFERENCES plays (id));\n"
BROKEN = "INSERT INTO lost_quartos VALUES (1);\n"

CORE_VERSIONS = sorted(int(path.name[:4]) for path in CORE.glob("*.sql"))


@pytest.fixture
def stage(tmp_path):
    """Makes a schema set named stage of the scripts given, in place of the last one."""

    def make(*scripts):
        directory = tmp_path / "stage"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for number, script in enumerate(scripts, 1):
            (directory / f"{number:04}_step.sql").write_text(script)
        return directory

    return make


def reopen(backend, database, directory):
    backend.reactor.wait(database.close())
    return backend.open(directory)


def ask(backend, database, sql, *params):
    async def work(tx):
        return list((await tx.execute(sql, params)).rows)

    return backend.reactor.wait(database.write(work))


def versions(backend, database, name="stage"):
    sql = "SELECT version FROM schema_migrations WHERE schema_set = ? ORDER BY version"
    return [row[0] for row in ask(backend, database, sql, name)]


def test_what_was_applied_is_recorded_with_its_time(persistent, stage):
    database = persistent.open(stage(PLAYS, ACTS))
    sql = "SELECT schema_set, version, name, applied FROM schema_migrations ORDER BY version"
    rows = ask(persistent, database, sql)
    assert [row[:3] for row in rows] == [("stage", 1, "step"), ("stage", 2, "step")]
    assert all(row[3] > 1_600_000_000 for row in rows)


def test_opening_again_applies_nothing_and_loses_nothing(persistent, stage):
    directory = stage(PLAYS)
    database = persistent.open(directory)
    ask(persistent, database, "INSERT INTO plays (title) VALUES ('Hamlet')")
    database = reopen(persistent, database, directory)
    assert ask(persistent, database, "SELECT title FROM plays") == [("Hamlet",)]
    assert versions(persistent, database) == [1]


def test_a_newer_release_adds_what_is_new(persistent, stage):
    database = persistent.open(stage(PLAYS))
    ask(persistent, database, "INSERT INTO plays (title) VALUES ('Hamlet')")
    database = reopen(persistent, database, stage(PLAYS, ACTS))
    assert versions(persistent, database) == [1, 2]
    ask(persistent, database, "INSERT INTO acts (play) SELECT id FROM plays")
    assert ask(persistent, database, "SELECT count(*) FROM acts") == [(1,)]


def test_a_schema_newer_than_the_program_is_refused_and_untouched(persistent, stage):
    database = persistent.open(stage(PLAYS, ACTS))
    with pytest.raises(ConfigError) as caught:
        reopen(persistent, database, stage(PLAYS))
    message = str(caught.value)
    assert "'stage'" in message and "version 2" in message and "newer release" in message
    assert "elsinore.db" in message or "postgresql" in message
    assert versions(persistent, persistent.open(stage(PLAYS, ACTS))) == [1, 2]


def test_an_upgrade_that_fails_midway_leaves_nothing(persistent, stage):
    database = persistent.open(stage(PLAYS))
    with pytest.raises(StoreError, match="0003_step"):
        reopen(persistent, database, stage(PLAYS, ACTS, BROKEN))
    database = persistent.open(stage(PLAYS))
    assert versions(persistent, database) == [1]
    # Had the second step been kept, making its table would fail now.
    database = reopen(persistent, database, stage(PLAYS, ACTS, PLAYS.replace("plays", "scenes")))
    assert versions(persistent, database) == [1, 2, 3]


def test_a_step_that_fails_midway_leaves_nothing(persistent, stage):
    with pytest.raises(StoreError, match="lost_quartos"):
        persistent.open(stage(PLAYS + ACTS + BROKEN))
    assert versions(persistent, persistent.open(stage(PLAYS + ACTS))) == [1]


def test_schema_sets_share_a_database_without_meeting(persistent, stage):
    database = persistent.open(stage(PLAYS, ACTS))
    database = reopen(persistent, database, CORE)
    assert versions(persistent, database, "stage") == [1, 2]
    assert versions(persistent, database, "core") == CORE_VERSIONS


def test_a_table_can_be_remade_without_losing_what_refers_to_it(persistent, stage):
    acts = "CREATE TABLE acts (play BIGINT NOT NULL REFERENCES plays (id) ON DELETE CASCADE);\n"
    database = persistent.open(stage(PLAYS, acts))
    ask(persistent, database, "INSERT INTO plays (title) VALUES ('Hamlet')")
    ask(persistent, database, "INSERT INTO acts (play) SELECT id FROM plays")
    directory = stage(PLAYS, acts)
    (directory / "0003_remake.sqlite.sql").write_text(
        "CREATE TABLE remade (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, year REAL);"
        "INSERT INTO remade (id, title) SELECT id, title FROM plays;"
        "DROP TABLE plays;"
        "ALTER TABLE remade RENAME TO plays;"
    )
    (directory / "0003_remake.postgresql.sql").write_text("ALTER TABLE plays ADD year REAL;")
    database = reopen(persistent, database, directory)
    assert ask(persistent, database, "SELECT count(*) FROM acts") == [(1,)]
    ask(persistent, database, "DELETE FROM plays")
    assert ask(persistent, database, "SELECT count(*) FROM acts") == [(0,)]


@pytest.mark.parametrize("version", range(len(CORE_VERSIONS)))
def test_the_core_comes_forward_from_every_past_version(persistent, tmp_path, version):
    """Version 0 is a database that has the bookkeeping and nothing else."""
    past = tmp_path / "past" / "core"
    past.mkdir(parents=True)
    for path in CORE.glob("*.sql"):
        if int(path.name[:4]) <= version:
            shutil.copy(path, past)
    database = persistent.open(past)
    assert versions(persistent, database, "core") == CORE_VERSIONS[:version]
    database = reopen(persistent, database, CORE)
    assert versions(persistent, database, "core") == CORE_VERSIONS
    accounts = SQLAccounts(database)
    made = persistent.reactor.wait(
        accounts.create(JID("juliet@verona.example"), credentials(), now=1595.0)
    )
    assert persistent.reactor.wait(accounts.get(JID("juliet@verona.example"))) == made


def test_versions_count_without_gaps(stage):
    directory = stage(PLAYS, ACTS)
    (directory / "0001_step.sql").unlink()
    with pytest.raises(ValueError, match="gaps"):
        read_schema_set(directory, SQLITE)


@pytest.mark.parametrize("name", ["0001_zounds.sql", "1_step.sql", "0001_Step.sql", "0003.sql"])
def test_a_file_that_is_named_wrongly_is_named(stage, name):
    directory = stage(PLAYS)
    (directory / name).write_text(PLAYS)
    with pytest.raises(ValueError, match=name):
        read_schema_set(directory, SQLITE)


def test_a_variant_takes_the_place_of_the_common_file_in_its_dialect_only(stage):
    directory = stage(PLAYS, ACTS)
    (directory / "0002_step.sqlite.sql").write_text("SELECT '$asitstands';")
    (directory / "0002_step.postgresql.sql").write_text("SELECT 3;")
    schema = read_schema_set(directory, SQLITE)
    assert [list(step.statements) for step in schema.migrations[1:]] == [["SELECT '$asitstands';"]]


@pytest.mark.parametrize("script", ["CREATE TABLE acts (id $number);", "SELECT 1; SELECT 2"])
def test_a_script_that_is_wrong_is_named(stage, script):
    with pytest.raises(ValueError, match=r"0002_step\.sql"):
        read_schema_set(stage(PLAYS, script), SQLITE)


def test_no_two_schema_sets_have_a_table_of_the_same_name():
    """They share a database where the server and its components have one PostgreSQL."""
    root = Path(__file__).parents[3]
    sets = [CORE, *sorted(root.glob("components/*/schema/*"))]
    pattern = re.compile(r"CREATE (?:TABLE|(?:UNIQUE )?INDEX) (\w+)")
    made = [
        name
        for each in sets
        # A set may make anew what it has dropped.
        for name in {
            made for file in each.glob("*.sql") for made in pattern.findall(file.read_text())
        }
    ]
    assert len(sets) > 2
    assert sorted({name for name in made if made.count(name) > 1}) == []
