"""`documents check`: trusted documents against the schema."""

from pathlib import Path
from typing import Annotated

import typer

from app.config import Config
from app.errors import Malformed
from app.graphql.server.trusted import load_trusted
from app.server import say


def documents_check(
    file: Annotated[Path, typer.Argument(help="A JSON object of ids and texts, or a manifest of Apollo's.")],
) -> None:
    """Check a file of trusted documents against the schema and the limits; prints each problem after its document's id."""
    from app.graphql.server.checking import check_documents

    trusted = load_trusted(file)
    problems = check_documents(trusted, Config.from_environment().cost_limit)
    for one in problems:
        say(str(one))
    if problems:
        wrong = len({one.document_id for one in problems})
        raise Malformed(f"{wrong} of {len(trusted.by_id)} documents cannot be answered")
    typer.echo(f"All {len(trusted.by_id)} documents are valid and within the limits.", err=True)
