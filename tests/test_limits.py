"""docs/limits.md names the limits that the code has."""

import re
from pathlib import Path

import pytest

from app.accounts.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD
from app.auth import MOST_TOKENS
from app.clients import record
from app.clients.statements import MOST_HITS
from app.clients.transfer import files, problems, rows
from app.config import Config
from app.deliveries import addresses, sender
from app.graphql.server import documents, limits, parsing
from app.http import bodies, encodings
from app.idempotency import LONGEST_KEY
from app.mail import names
from app.organizations.record import LONGEST_NAME
from app.query import dialects, lists, marks, reader, values
from app.records.bodies import LARGEST_DOCUMENT
from app.rest import preconditions
from app.rest.customers import parameters
from app.rest.v1 import brackets, call, filters
from app.rest.v1.bodies import RECORD_CAP
from app.tokens import LONGEST_LABEL
from app.webhooks import record as webhook
from app.webhooks.service import MOST_WEBHOOKS
from app.webhooks.statements import MOST_REDELIVERIES

PAGE = Path(__file__).parents[1] / "docs" / "limits.md"
NUMBER = re.compile(r"\d[\d,]*")
SETTING = re.compile(r"CLIENTELE_[A-Z_]+")

CONSTANTS = {
    "`If-Match`, `If-None-Match`": [preconditions.LONGEST_CONDITION],
    "Body without a valid token": [bodies.UNAUTHENTICATED_CAP],
    "Body of a login or a sign-up": [call.SMALL_BODY_CAP],
    "Values in JSON: members of objects and lists": [bodies.MOST_VALUES],
    "Text or key in a document": [values.LONGEST_TEXT],
    "Combining marks in a row, in any text": [marks.MOST_MARKS],
    "Text of an order": [values.LONGEST_TEXT],
    "Tokens of one request that are looked up": [MOST_TOKENS],
    "Body with one record": [RECORD_CAP],
    "Levels of JSON in a body": [bodies.DEEPEST],
    "Members of a compressed body": [encodings.MOST_MEMBERS],
    "Parameters of a form": [brackets.MOST_PARAMETERS],
    "Brackets in a name of a form": [bodies.DEEPEST],
    "Records in a list to create, change or upsert": [lists.MOST_MEMBERS],
    "Text in a field": [values.LONGEST_TEXT],
    "List or document in a field, as JSON": [LARGEST_DOCUMENT],
    "All values of one body together, as JSON": [LARGEST_DOCUMENT],
    "Name of an organization on the command line": [LONGEST_NAME],
    "Entries of `metadata`": [record.MOST_METADATA, record.LONGEST_KEY, record.LONGEST_METADATA],
    "Label of a token": [LONGEST_LABEL],
    "Password": [SHORTEST_PASSWORD, LONGEST_PASSWORD],
    "Idempotency key": [LONGEST_KEY],
    "Query parameters": [parameters.MOST_PARAMETERS],
    "Brackets in the name of a parameter": [call.MOST_BRACKETS],
    "Levels of a filter": [call.DEEPEST_QUERY],
    "Cell of CSV": [rows.MOST_CELL],
    "Row of CSV": [rows.MOST_ROW],
    "Record in JSON lines or in a JSON list": [files.LONGEST],
    "Problems that an import lists without `--dry-run` and `--keep-good`": [problems.MOST_PROBLEMS],
    "Conditions of a filter": [reader.MOST_CONDITIONS],
    "Objects of a filter, empty ones too": [reader.MOST_OBJECTS],
    "Members of all lists of a filter together": [lists.MOST_MEMBERS],
    "Text in a filter": [values.LONGEST_TEXT],
    "Regular expression": [dialects.LONGEST_REGEX],
    "Steps of an order": [filters.MOST_STEPS],
    "Search term": [values.LONGEST_TEXT],
    "Matches of v1's search": [MOST_HITS],
    "Name in a reminder": [names.LONGEST_NAME],
    "Webhooks of an organization": [MOST_WEBHOOKS],
    "URL of a webhook": [addresses.LONGEST_URL],
    "Description of a webhook": [webhook.LONGEST_DESCRIPTION],
    "Failed events that one request delivers again": [MOST_REDELIVERIES],
    "Time for an attempt": [int(sender.TIMEOUT)],
    "Bytes of a response that are read, and characters that are stored": [sender.MOST_BYTES, sender.MOST_CHARACTERS],
    "Text of a document": [documents.MAX_CHARACTERS],
    "Tokens of a document": [parsing.MAX_TOKENS],
    "Levels of fields": [limits.MAX_DEPTH],
    "Root fields": [limits.MAX_ROOT_FIELDS],
    "Aliases": [limits.MAX_ALIASES],
    "Fields and fragments, with fragments written out": [limits.MAX_SELECTIONS],
}


def read_rows() -> dict[str, list[str]]:
    """The cells of each row of the tables, by the name of the limit."""
    rows = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {name: rest for name, *rest in cells if name != "Limit" and not name.startswith("---")}


def read_numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


@pytest.mark.parametrize("name", CONSTANTS)
def test_the_page_has_the_value_of_the_constant(name: str) -> None:
    assert read_numbers(read_rows()[name][0]) == CONSTANTS[name]


def test_the_page_has_the_defaults_of_the_settings() -> None:
    rows = read_rows().items()
    settings = {name: (read_numbers(row[0]), SETTING.findall(row[1])) for name, row in rows if SETTING.search(row[1])}
    numbered = {name: row for name, row in settings.items() if row[0]}
    assert len(numbered) > 5
    for name, (numbers, variables) in numbered.items():
        defaults = [getattr(Config(), variable.removeprefix("CLIENTELE_").lower()) for variable in variables]
        assert set(defaults) & set(numbers), name
