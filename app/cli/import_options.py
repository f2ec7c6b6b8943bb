"""The options of `import`, with their texts for --help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class ImportForm(StrEnum):
    CSV = "csv"
    JSON = "json"


class OnDuplicate(StrEnum):
    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"


File: TypeAlias = Annotated[
    Path, typer.Argument(help="Clients as CSV, JSON lines, one JSON list or an export; - is stdin.")
]
Organization: TypeAlias = Annotated[str, typer.Option(help="The id of the organization that gets the clients.")]
Form: TypeAlias = Annotated[
    ImportForm | None, typer.Option("--format", help="The form of the file.", show_default="detected")
]
Map: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="The field of a column, or of a JSON key. The column is a name or a number such as #3; the field has a name of "
        "any API, or is custom.KEY or metadata.KEY. Without a field, the column is left out. Repeatable.",
    ),
]
IgnoreUnknown: TypeAlias = Annotated[
    bool, typer.Option("--ignore-unknown", help="Leave out the columns that are not fields.")
]
DuplicateRule: TypeAlias = Annotated[OnDuplicate, typer.Option(help="What to do with records of clients that exist.")]
MatchField: TypeAlias = Annotated[
    str,
    typer.Option(help="The field that shows that a client exists: id, taxNumber, email, custom.KEY or metadata.KEY."),
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Import nothing. List every problem and keep the rejected records.")
]
KeepGood: TypeAlias = Annotated[
    bool, typer.Option("--keep-good", help="Import the good records if others are rejected. List every problem.")
]
Rejected: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="The file for the records that --dry-run and --keep-good reject.",
        show_default="beside FILE, .rejected",
    ),
]
Encoding: TypeAlias = Annotated[
    str | None, typer.Option(help="The encoding of a CSV file, such as windows-1250.", show_default="detected")
]
Delimiter: TypeAlias = Annotated[
    str | None, typer.Option(help="The delimiter of a CSV file; tab is a tab.", show_default="detected")
]
Raw: TypeAlias = Annotated[
    bool, typer.Option("--raw", help="Keep the apostrophes that an export puts in front of formulas in CSV.")
]
