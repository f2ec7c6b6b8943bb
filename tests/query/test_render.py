"""How a row becomes JSON: objects, lists and values of every type, against PostgreSQL's own to_json."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Integer, Text, bindparam, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from app.query.face import Codec, Field, Kind, Link
from app.query.sql.render import MOST_ARGUMENTS, Selection, render_list, render_object
from app.storage.connection import Connection
from app.storage.database import Database

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def make_field(column: str, kind: Kind = Kind.TEXT, codec: Codec | None = None) -> Field:
    return Field(column, column, kind, codec or Codec())


async def render(connection: Connection, selection: Selection, values: dict[str, Any]) -> str:
    """The text that PostgreSQL renders of one row with these values, as parameters of the statement."""
    types: dict[type, Any] = {
        str: Text(),
        bool: Boolean(),
        int: Integer(),
        dict: JSONB(),
        list: JSONB(),
        type(None): Text(),
    }
    row: Any = select(*(bindparam(name, type_=types[type(value)]).label(name) for name, value in values.items()))
    source = row.offset(literal_column("0")).subquery("c")
    text = await connection.scalar(select(render_object(selection, source.c)).select_from(source), values)
    return str(text)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.none() | TEXT, flag=st.booleans(), number=st.integers(-(2**31), 2**31 - 1), document=DOCUMENT)
async def test_values_of_every_type_are_read_back(
    database: Database, text: str | None, flag: bool, number: int, document: Any
) -> None:
    values = {"text": text, "flag": flag, "number": number, "document": {"inner": document}}
    kinds = {"text": Kind.TEXT, "flag": Kind.BOOLEAN, "number": Kind.NUMBER, "document": Kind.JSON}
    selection = tuple((f"as {name}", make_field(name, kind)) for name, kind in kinds.items())
    async with database.read() as connection:
        shown = await render(connection, selection, values)
    assert json.loads(shown) == {f"as {name}": value for name, value in values.items()}


@pytest.mark.parametrize("fields", [0, 1, MOST_ARGUMENTS // 2, MOST_ARGUMENTS, 3 * MOST_ARGUMENTS])
async def test_an_object_has_any_number_of_fields(database: Database, fields: int) -> None:
    selection = tuple((f"f{number}", make_field("text")) for number in range(fields))
    async with database.read() as connection:
        shown = await render(connection, selection, {"text": 'a "quoted" \\ text\n'})
    assert json.loads(shown) == {f"f{number}": 'a "quoted" \\ text\n' for number in range(fields)}


async def test_objects_of_the_same_row_stand_inside_of_each_other(database: Database) -> None:
    inner = make_field("", codec=Codec(link=Link.SAME_ROW, members=(("city", make_field("city")),)))
    outer = make_field("", codec=Codec(link=Link.SAME_ROW, members=(("inner", inner), ("name", make_field("name")))))
    empty = make_field("", codec=Codec(link=Link.SAME_ROW))
    type_ = make_field("", codec=Codec(constant="It's"))
    async with database.read() as connection:
        selection = (("outer", outer), ("empty", empty), ("type", type_))
        shown = await render(connection, selection, {"name": "Ana", "city": None})
    assert shown == '{"outer":{"inner":{"city":null},"name":"Ana"},"empty":{},"type":"It\'s"}'


async def test_a_time_has_three_digits_and_no_time_is_null(database: Database) -> None:
    some = literal_column("'2026-02-03 04:05:06.7+02'::timestamptz", TIMESTAMP(timezone=True))
    source = select(some.label("some"), literal_column("null::timestamptz").label("none")).subquery("c")
    selection = tuple((name, make_field(name, Kind.DATE)) for name in ("some", "none"))
    async with database.read() as connection:
        shown = await connection.scalar(select(render_object(selection, source.c)).select_from(source))
    assert shown == '{"some":"2026-02-03T02:05:06.700Z","none":null}'


async def test_a_list_has_its_order_and_no_rows_are_an_empty_list(database: Database) -> None:
    rows = func.generate_series(1, 3).table_valued(column("n", Integer)).render_derived(name="r")
    shown = render_object((("n", make_field("n", Kind.NUMBER)),), rows.c)
    listed = select(render_list(shown, rows.c.n.desc(), only=rows.c.n > 1)).select_from(rows)
    async with database.read() as connection:
        assert await connection.scalar(listed) == '[{"n":3},{"n":2}]'
        assert await connection.scalar(listed.where(rows.c.n > 3)) == "[]"
