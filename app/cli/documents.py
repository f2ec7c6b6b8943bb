"""`documents check`: checks trusted documents against the schema."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import Json, Rows
from app.config import Config
from app.errors import Malformed


def documents_check(
    file: Annotated[Path, typer.Argument(help="A JSON object of ids and documents, or a manifest of Apollo.")],
    json: Json = False,
) -> None:
    """Check trusted documents against the schema and the limits. Print the id and the error for each problem."""
    from app.graphql.server.checking import check_documents
    from app.graphql.server.trusted import load_trusted

    trusted = load_trusted(file)
    problems = check_documents(trusted, Config.from_environment().cost_limit)
    with Rows(("problem",), as_json=json) as rows:
        for problem in problems:
            rows.add((str(problem),), problem)
    if problems:
        wrong = len({problem.document_id for problem in problems})
        raise Malformed(
            f"{wrong} of {len(trusted.by_id)} documents are invalid or exceed the limits. Correct the documents listed above."
        )
    typer.echo(f"All {len(trusted.by_id)} documents are valid and within the limits.", err=True)
