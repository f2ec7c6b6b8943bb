"""`import` and `export` with the files that people have: CSV of spreadsheets, duplicates, dry runs, chosen fields."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli.transfer import REJECTED
from tests.test_cli import Run, assert_error, made

SPREADSHEET = (
    "Kd-Nr;Firma;Ansprechpartner;Straße;PLZ;Ort;Land;USt-IdNr.;E-Mail;Telefon;Bemerkung;Umsatzsteuerpflichtig;Umsatz\r\n"
    '10001;Bäckerei Sonnenkorn GmbH;Frau Lüdtke;"Am Markt 3\r\nHinterhaus";01067;Dresden;Deutschland;DE 811 223 344;'
    'info@sonnenkorn.example;+49 351 5550101;"liefert ""frei Haus""; nur vormittags";ja;"1.234,50"\r\n'
    "10002;Café Größenwahn;;Königsallee 7;40212;Düsseldorf;Deutschland;;kontakt@groessenwahn.example;0211 5550102;;nein;-12,00\r\n"
    ";;;;;;;;;;;;\r\n"
    "10003;Weingut Öhler;Herr Öhler;Rebstr. 1;67146;Deidesheim;Deutschland;DE811223355;wein@oehler.example;;=HYPERLINK();Ja;\r\n"
)
"""A sheet with invented customers, as the German LibreOffice saves it as CSV, in the encoding `Western Europe`."""
CHOICES = ("--map", "Kd-Nr=metadata.customer_no", "--map", "Umsatz=")


@pytest.fixture
def organization(run: Run) -> str:
    return made(run("organization", "create", "Studio"))


def export(run: Run, organization: str, *options: str) -> list[dict[str, Any]]:
    out, _, status = run("export", "--organization", organization, *options)
    assert status == 0
    return [json.loads(line) for line in out.splitlines()]


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return str(path)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_a_spreadsheet_saved_as_csv_is_imported(run: Run, organization: str, tmp_path: Path, encoding: str) -> None:
    sheet = write(tmp_path / "Kunden.csv", SPREADSHEET, encoding)
    arguments = ("import", sheet, "--organization", organization)
    out, err, status = run(*arguments)
    assert (out, status) == ("", 1)
    lines = [line for line in err.splitlines() if "is not UTF-8" not in line]
    assert lines[1:3] == ['column 1 "Kd-Nr" is not a field', 'column 13 "Umsatz" is not a field']
    out, err, status = run(*arguments, *CHOICES)
    assert (out, status) == ("3\n", 0)
    assumed = "The file is not UTF-8, so it is read as cp1252: Straße. If that is wrong, name its encoding"
    assert (assumed in err) == (encoding == "latin-1")
    bakery, cafe, winery = export(run, organization)
    assert bakery["address"] == "Am Markt 3\r\nHinterhaus"
    assert (bakery["zip"], bakery["note"]) == ("01067", 'liefert "frei Haus"; nur vormittags')
    assert (bakery["phone"], bakery["taxSubject"], cafe["taxSubject"]) == ("+49 351 5550101", True, False)
    assert (cafe["name"], cafe["contact"], cafe["taxNumber"]) == ("Café Größenwahn", None, None)
    assert (winery["note"], winery["metadata"]) == ("=HYPERLINK()", {"customer_no": "10003"})
    assert [client["custom"] for client in (bakery, cafe, winery)] == [{}] * 3


BAD = (
    "sep=;\r\n"
    "id;name;Type;Tax subject;Created;version;custom;e-mail;\r\n"
    f"{'a' * 24};Good;customer;yes;1.2.2020;1;;good@example.com;\r\n"
    ";;partner;perhaps;yesterday;1.000;{a};x@example.com;\r\n"
    f"17;Long;;;;;;{'x' * 70_000};\r\n"
    "short;row\r\n"
    "too;long;;;;;;;;more\r\n"
    'quote;"Ana" Novak;;;;;;;\r\n'
    f'"";"Nul\x00";;;;;"{{""a"":""{"x" * 70_000}""}}";;\r\n'
    f"{'a' * 24};Again;;;;;;;\r\n"
    ";Fine;buyer;;;;;;\r\n"
)
PROBLEMS = [
    'line 4: column 2 "name" can\'t be blank',
    'line 4: column 3 "Type" is not one of customer, supplier, both; received "partner"',
    'line 4: column 4 "Tax subject" is not a boolean; received "perhaps". Use true or false.',
    'line 4: column 5 "Created" is not an ISO 8601 date; received "yesterday". Use a date such as 2026-04-20 or 20.4.2026',
    'line 4: column 6 "version" can mean two numbers; received "1.000". Use a whole number, with digits only.',
    'line 4: column 7 "custom" is not JSON; received "{a}". Use JSON, such as',
    'line 5 ("17", "Long"): column 1 "id" is not 24 lower-case hex digits; received "17". Leave the id out for a new one.',
    f'line 5 ("17", "Long"): column 8 "e-mail" is longer than 10000 characters; received "{"x" * 100}…"',
    "line 6: row has 2 cells, but the header has 8 columns",
    "line 7: row has 10 cells, but the header has 8 columns",
    "line 8: row has a quotation mark inside a quoted cell",
    'line 9 ("Nul\\u0000"): column 2 "name" The value of `name` contains a NUL character',
    'line 9 ("Nul\\u0000"): column 7 "custom" contains a text or a key that is longer than 10000 characters',
    f'line 10 ("{"a" * 24}", "Again"): id is in the file already: line 3 ("{"a" * 24}", "Good")',
]


def test_a_dry_run_lists_every_problem_and_keeps_the_rejected_rows(run: Run, organization: str, tmp_path: Path) -> None:
    arguments = ("import", write(tmp_path / "bad.csv", BAD), "--organization", organization)
    out, err, status = run(*arguments, "--dry-run")
    assert status == REJECTED
    listed = out.splitlines()
    assert [line[: len(start)] for line, start in zip(listed, PROBLEMS, strict=True)] == PROBLEMS
    rejected = tmp_path / "bad.rejected.csv"
    assert err.splitlines() == [
        "Nothing is written. Clients that would be imported: 2, rejected: 7",
        f"The rejected records are in {rejected}.",
    ]
    assert export(run, organization) == []
    assert rejected.stat().st_mode & 0o777 == 0o600
    rows = BAD.encode().splitlines(keepends=True)
    assert rejected.read_bytes() == b"".join([*rows[:2], *rows[3:10]])
    assert_error(
        run(*arguments, "--dry-run", "--rejected", arguments[1]), "is the file of the import. Name another file"
    )


def test_good_rows_are_kept_or_nothing_is_imported(run: Run, organization: str, tmp_path: Path) -> None:
    arguments = ("import", write(tmp_path / "bad.csv", BAD), "--organization", organization)
    out, err, status = run(*arguments)
    assert (out, status) == ("", 1)
    assert err.splitlines()[:2] == ["clientele: Nothing is imported:", PROBLEMS[0]]
    assert len(err.splitlines()) == 1 + len(PROBLEMS)
    assert export(run, organization) == []
    kept = tmp_path / "kept.csv"
    out, err, status = run(*arguments, "--keep-good", "--rejected", str(kept))
    assert (out, status) == ("2\n", REJECTED)
    assert err.splitlines()[0] == PROBLEMS[0]
    assert err.splitlines()[-2:] == ["Clients imported: 2, rejected: 7", f"The rejected records are in {kept}."]
    assert {(client["name"], client["type"]) for client in export(run, organization)} == {
        ("Good", "customer"),
        ("Fine", "customer"),
    }
    out, _, status = run("import", str(kept), "--organization", organization, "--dry-run", "--json")
    *problems, counts = [json.loads(line) for line in out.splitlines()]
    assert (counts, status) == ({"imported": 0, "updated": 0, "skipped": 0, "rejected": 7}, REJECTED)
    assert problems[1] == {
        "line": 3,
        "record": 1,
        "column": 'column 3 "Type"',
        "value": "partner",
        "message": PROBLEMS[1].partition(": ")[2],
    }


@pytest.mark.parametrize("listed", [False, True])
def test_rejected_records_of_json_stay_json(run: Run, organization: str, tmp_path: Path, listed: bool) -> None:
    records: list[Any] = [{"name": "Ana"}, {"name": ""}, {"name": "Bor", "taxSubject": "perhaps"}, 5]
    text = json.dumps(records, indent=1) if listed else "".join(f"{json.dumps(record)}\n" for record in records)
    arguments = ("--organization", organization, "--keep-good")
    out, err, status = run("import", write(tmp_path / "clients.json", text), *arguments)
    assert (out, status) == ("1\n", REJECTED)
    assert '("Bor"): taxSubject is not a boolean; received "perhaps". Use true or false.' in err
    rejected = (tmp_path / "clients.rejected.json").read_text()
    assert (json.loads(rejected) if listed else [json.loads(line) for line in rejected.splitlines()]) == records[1:]


FIRST = """id,name,email,Tax ID,Phone,custom.crm,metadata.region
{a},Ana,ana@example.com,SI 123,1,c-1,west
,Bor,bor@example.com,SI 456,2,c-2,
"""
SECOND = """Firma,E-Mail,VAT,Telefon,custom.crm
Ana d.o.o.,ANA@example.com,si123,,c-1
New,new@example.com,SI789,9,c-9
New again,NEW@example.com,SI-789,10,c-9
"""


@pytest.mark.parametrize("key", ["taxNumber", "E-Mail", "custom.crm"])
def test_duplicates_are_found_by_a_field(run: Run, organization: str, tmp_path: Path, key: str) -> None:
    first = write(tmp_path / "first.csv", FIRST.format(a="a" * 24))
    second = write(tmp_path / "second.csv", SECOND)
    home = ("--organization", organization)
    assert run("import", first, *home)[0] == "2\n"
    before = export(run, organization)
    arguments = ("import", second, *home, "--match", key)
    out, err, status = run(*arguments)
    assert (out, status) == ("", 1)
    ana, again = err.splitlines()[1:]
    assert ana.startswith('line 2 ("Ana d.o.o."): ')
    assert ana.endswith(f'is that of a client already: "Ana" ({"a" * 24})')
    assert again.startswith('line 4 ("New again"): ')
    assert again.endswith('is that of line 3 ("New") already')
    out, err, status = run(*arguments, "--on-duplicate", "update", "--dry-run")
    assert (out, status) == ("", 0)
    assert err == "Nothing is written. Clients that would be imported: 1, updated: 2\n"
    assert run(*arguments, "--on-duplicate", "skip")[:2] == ("1\n", "Clients imported: 1, skipped: 2\n")
    assert all(client in export(run, organization) for client in before)
    assert run(*arguments, "--on-duplicate", "update")[:2] == ("3\n", "Clients imported: 0, updated: 3\n")
    changed, bor, new = sorted(export(run, organization), key=lambda client: client["name"])
    assert (changed["id"], changed["name"], changed["phone"]) == ("a" * 24, "Ana d.o.o.", "1")
    assert (changed["version"], changed["custom"], changed["metadata"]) == (2, {"crm": "c-1"}, {"region": "west"})
    assert (bor["name"], new["name"], new["phone"]) == ("Bor", "New again", "10")


def test_duplicates_are_found_by_id(run: Run, organization: str, tmp_path: Path) -> None:
    """Empty cells keep what a client has; a null of JSON empties it. Deleted clients are never changed."""
    home = ("--organization", organization)
    a, b, gone = ("a" * 24, "b" * 24, "c" * 24)
    old = [
        {"id": a, "name": "Ana", "phone": "1", "custom": {"x": 1}},
        {"id": gone, "name": "Gone", "deletedAt": "2020-01-01"},
    ]
    lines = "\n".join(map(json.dumps, old))
    assert run("import", write(tmp_path / "old.jsonl", lines), *home)[0] == "2\n"
    table = f"id,name,phone,note,custom.y,createdAt\ncust_{a},Ana,,hello,2,2001-01-01\n{b},Bor,5,,,\n"
    update = (*home, "--on-duplicate", "update")
    assert run("import", write(tmp_path / "new.csv", table), *update)[0] == "2\n"
    ana, bor, _ = export(run, organization)
    assert (ana["phone"], ana["note"], ana["custom"], ana["version"]) == ("1", "hello", {"x": 1, "y": "2"}, 2)
    assert not ana["createdAt"].startswith("2001")
    assert bor["custom"] == {}
    change = write(tmp_path / "change.jsonl", json.dumps({"id": a, "name": "Ana", "phone": None}))
    assert run("import", change, *update)[0] == "1\n"
    assert export(run, organization)[0]["phone"] is None
    phones = write(tmp_path / "phones.csv", f"Client ID;Tel\n{a};7\n{'d' * 24};8\n{b};\n")
    out, err, status = run("import", phones, *update, "--keep-good")
    assert (out, status) == ("2\n", REJECTED)
    assert err.startswith(f'line 3 ("{"d" * 24}"): name can\'t be blank\n')
    ana, bor, _ = export(run, organization)
    assert [(client["name"], client["phone"], client.get("version", 1)) for client in (ana, bor)] == [
        ("Ana", "7", 4),
        ("Bor", "5", 1),
    ]
    revive = write(tmp_path / "revive.jsonl", json.dumps({"id": gone, "name": "Back"}))
    _, err, status = run("import", revive, *update)
    assert (status, "id is that of a deleted client, which cannot be changed" in err) == (1, True)
    assert run("import", revive, *home, "--on-duplicate", "skip")[:2] == ("0\n", "Clients imported: 0, skipped: 1\n")


def test_a_value_that_several_clients_have_changes_none(run: Run, organization: str, tmp_path: Path) -> None:
    home = ("--organization", organization)
    twins = "name,VAT,metadata.k\nAna,SI1,1\nBor,SI1,2\n"
    assert run("import", write(tmp_path / "twins.csv", twins), *home)[0] == "2\n"
    again = write(tmp_path / "again.csv", "name,VAT\nCene,SI-1\nDana,\nEva,\n")
    out, err, status = run("import", again, *home, "--match", "VAT", "--on-duplicate", "update", "--keep-good")
    assert (out, status) == ("2\n", REJECTED)
    assert 'line 2 ("Cene"): column 2 "VAT" is that of 2 clients, so none of them is changed: "' in err
    many = "".join(f",metadata.m{number}" for number in range(50))
    wide = f"name,metadata.k{many}\nAna,1{',x' * 50}\nNew,3{',' * 50}\n"
    arguments = (
        "import",
        write(tmp_path / "wide.csv", wide),
        *home,
        "--match",
        "metadata.k",
        "--on-duplicate",
        "update",
    )
    assert run(*arguments)[2] == 1


def test_unusual_forms_of_files_and_options(
    run: Run, organization: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ("--organization", organization)
    empty, header = write(tmp_path / "empty.csv", ""), write(tmp_path / "header.csv", "name;email;;\r\n")
    assert_error(
        run("import", empty, *home), "The file is empty. The first line of a CSV file has the names of the columns."
    )
    assert run("import", header, *home) == ("0\n", "Clients imported: 0\n", 0)
    assert_error(run("import", write(tmp_path / "a.xlsx", b"PK\x03\x04"), *home), "save it as CSV")
    bars = write(tmp_path / "bars", "a|b\nAna#;#x\n".replace("a|b", "name#email"))
    assert run("import", bars, *home, "--delimiter", "#", "--dry-run")[2] == REJECTED
    assert_error(run("import", header, *home, "--rejected", "x"), "--rejected needs --dry-run or --keep-good")
    for option, value, message in (
        ("--map", "name", "--map has the form COLUMN=FIELD, such as Company=name; got 'name'"),
        ("--map", "name=nothing", '"nothing" is not a field'),
        ("--delimiter", "ab", "A delimiter is one character, such as ; or tab; got 'ab'"),
        ("--encoding", "klingon", "'klingon' is not an encoding"),
        ("--match", "phone", "Clients are matched by id, taxNumber, email, custom.KEY or metadata.KEY; got 'phone'"),
    ):
        assert_error(run("import", header, *home, option, value), message)
    tabs = "Firma\tfoo\tlabel\nČebela\tx\t'+1\n".encode("cp1250")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(tabs)))
    arguments = ("--encoding", "windows-1250", "--ignore-unknown", "--map", "label=note", "--raw", "--keep-good")
    assert run("import", "-", *home, *arguments) == ("1\n", "Clients imported: 1\n", 0)
    faces = {"customer_id": f"cust_{'d' * 24}", "name": "Ena", "post_code": "1000", "contact_type": "buyer", "nr": "7"}
    mapped = ("--map", "nr=custom.nr", "--format", "json")
    assert run("import", write(tmp_path / "faces.txt", json.dumps(faces)), *home, *mapped)[0] == "1\n"
    bee, ena = sorted(export(run, organization), key=lambda client: client["name"], reverse=True)[::-1][:2][::-1]
    assert {(client["name"], client["note"], client["zip"]) for client in (bee, ena)} == {
        ("Čebela", "'+1", None),
        ("Ena", None, "1000"),
    }
    twice = write(tmp_path / "twice.jsonl", json.dumps({"taxNumber": "1", "tax_number": "2", "name": "x"}))
    assert "tax_number is a second value of taxNumber" in run("import", twice, *home)[1]
