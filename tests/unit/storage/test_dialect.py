from dataclasses import replace

import pytest

from xmppd.storage.dialect import POSTGRESQL, SQLITE

ELSEWHERE = replace(SQLITE, name="elsewhere", placeholder="%s", split=lambda script: [script])


def test_sqlite_takes_statements_as_they_are_written():
    sql = "SELECT id % 2 FROM plays WHERE title = ?"
    assert SQLITE.statement(sql) == sql


def test_parameters_are_written_as_the_driver_wants_them():
    sql = "SELECT id % 2 FROM plays WHERE title = ? AND year > ?"
    assert ELSEWHERE.statement(sql) == "SELECT id %% 2 FROM plays WHERE title = %s AND year > %s"


def test_a_script_is_cut_where_statements_end_and_nowhere_else():
    trigger = "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM b; DELETE FROM c; END;"
    script = f"-- first; not last\nCREATE TABLE a (b $text DEFAULT ';');\n{trigger}\n-- the end\n"
    assert list(SQLITE.script(script)) == [
        "-- first; not last\nCREATE TABLE a (b TEXT DEFAULT ';');",
        trigger,
    ]


@pytest.mark.parametrize("script", ["SELECT 1", "SELECT 1; SELECT 2", "SELECT '; SELECT 2;"])
def test_a_script_without_an_end_is_refused(script):
    with pytest.raises(ValueError, match="end"):
        SQLITE.script(script)


def test_a_dialect_may_take_scripts_whole():
    assert list(ELSEWHERE.script("CREATE TABLE a (b $bytes); SELECT 1;")) == [
        "CREATE TABLE a (b BLOB); SELECT 1;"
    ]


def test_postgresql_takes_scripts_whole_and_text_by_code_point():
    script = "CREATE TABLE a (b $text); -- first\nINSERT INTO a VALUES (';');\n-- the end\n"
    assert list(POSTGRESQL.script(script)) == [script.replace("$text", 'TEXT COLLATE "C"')]
    sql = "SELECT id % 2 FROM plays WHERE title = ?"
    assert POSTGRESQL.statement(sql) == "SELECT id %% 2 FROM plays WHERE title = %s"


def test_a_script_may_have_nothing_to_do():
    for dialect in (SQLITE, POSTGRESQL):
        assert list(dialect.script("-- nothing here\n")) == []


@pytest.mark.parametrize("script", ["SELECT 1", "SELECT 1; SELECT 2 -- ;"])
def test_a_script_for_postgresql_has_an_end(script):
    with pytest.raises(ValueError, match="end"):
        POSTGRESQL.script(script)


def test_only_sqlite_need_be_told_that_rows_lie_in_the_order_of_their_key():
    script = "CREATE TABLE a (b $id) $clustered;"
    (sqlite,), (postgresql,) = SQLITE.script(script), POSTGRESQL.script(script)
    assert sqlite.endswith(") WITHOUT ROWID;")
    assert postgresql.endswith(") ;")
