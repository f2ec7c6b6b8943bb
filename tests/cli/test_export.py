"""`export`: the form, the fields and the clients of a file are chosen."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.clients.faces import V1
from tests.cli.test_transfer import export, write
from tests.test_cli import Run, assert_error, made


@pytest.fixture
def organization(run: Run) -> str:
    return made(run("organization", "create", "Studio"))


def test_an_export_has_the_chosen_form_fields_and_clients(run: Run, organization: str, tmp_path: Path) -> None:
    home = ("--organization", organization)
    records: list[dict[str, Any]] = [
        {"id": "a" * 24, "name": "=cmd|' /C calc'!A0", "city": "Ljubljana", "phone": "+386", "taxSubject": True},
        {"id": "b" * 24, "name": 'Bor; "B"', "city": "Celje", "note": "", "custom": {"a": 1}, "metadata": {"m": "1"}},
        {"id": "c" * 24, "name": "Gone", "city": "Celje", "deletedAt": "2020-01-01"},
    ]
    assert run("import", write(tmp_path / "given.json", json.dumps(records)), *home)[0] == "3\n"
    table = ("export", *home, "--format", "csv", "--fields", "name,tax_subject, city ,phone,note,custom")
    assert run(*table) == (
        "name,taxSubject,city,phone,note,custom\r\n"
        "'=cmd|' /C calc'!A0,true,Ljubljana,'+386,,{}\r\n"
        '"Bor; ""B""",false,Celje,,\',"{""a"":1}"\r\n',
        "Clients exported: 2\n",
        0,
    )
    out = run(
        *table[:-1], "name,phone", "--raw", "--bom", "--delimiter", ";", "--deleted", "--where", '{"city": "Celje"}'
    )[0]
    assert out == '\ufeffname;phone\r\n"Bor; ""B""";\r\nGone;\r\n'
    where = ("--where", '{"or": [{"city": {"like": "Lj%"}}, {"name": "Gone"}]}')
    assert export(run, organization, "--fields", "name,peppol_id", *where) == [
        {"name": records[0]["name"], "peppol_id": None},
        {"name": "Gone", "peppol_id": None},
    ]
    shown = json.loads(run("export", *home, "--format", "v1")[0])
    assert [(client["id"], list(client)) for client in shown] == [(letter * 24, list(V1.fields)) for letter in "ab"]
    assert json.loads(run("export", *home, "--format", "v1", "--where", '{"name": "no"}')[0]) == []
    for option, value, message in (
        ("--fields", "name,foo", '"foo" is not a field'),
        ("--fields", " ,", "--fields has no names"),
        ("--where", "{", "--where is not JSON"),
        ("--where", "[]", "--where is not a JSON object"),
        ("--where", '{"foo": 1}', "foo"),
        ("--delimiter", "", "A delimiter is one character"),
    ):
        assert_error(run("export", *home, option, value), message)
    assert_error(
        run("export", *home, "--format", "v1", "--fields", "metadata"), "An export as v1 has no field metadata"
    )
