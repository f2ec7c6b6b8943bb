"""`download`: the clients of an organization from another service with the v1 API, as a file for `import`."""

import getpass
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.input import is_terminal, read_line
from app.cli.output import Json, clean, say, to_json
from app.cli.transfer import open_output
from app.errors import Malformed

if TYPE_CHECKING:
    from app.download.service import Summary

SPACE_INVOICES = "https://api.spaceinvoices.com/v1"


def download_command(
    output: Annotated[Path, typer.Option(help="The file to write.")],
    organization: Annotated[
        str | None,
        typer.Option(help="The id of the organization in the other service.", show_default="the only one of the token"),
    ] = None,
    url: Annotated[str, typer.Option(help="The base URL of the v1 API of the other service.")] = SPACE_INVOICES,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the access token of the other service; - is stdin.", show_default="asks for the token"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Download the clients of an organization from Space Invoices, deleted ones too, as JSON lines for `clientele import`.

    It changes nothing there, and needs a token that may read. Clients that change during the download are read again.
    After an interruption, the same command continues where it stopped. It works with every service that has the v1 API.
    """
    from app.download.journal import Origin, open_journal
    from app.download.service import Summary, Watcher, fetch, find_organization, first_moment, write_records
    from app.download.source import Pace, open_source

    source = open_source(url, read_token(token_file), Pace(notice=_notice))
    with source.http:
        chosen = find_organization(source, organization)
        path = output.with_name(f"{output.name}.download")
        journal = open_journal(path, Origin(source.url, chosen.id), first_moment(chosen))
        shown = sys.stderr.isatty()
        with journal.file, typer.progressbar(length=1, label="Downloading", file=sys.stderr, hidden=not shown) as bar:
            watcher = Watcher(lambda total: setattr(bar, "length", max(total, 1)), bar.update)
            summary = Summary(counted=fetch(source, chosen.id, journal, watcher))
            with open_output(output) as file:
                write_records(journal, file.write, summary)
    path.unlink()
    _report(summary, output, chosen.id, json)


def read_token(path: Path | None) -> str:
    """The token of the other service. It is never an argument, which other users of the machine could read."""
    if path is None:
        if not is_terminal():
            raise Malformed(
                "Give the token with --token-file FILE; - is stdin. Without it, run the command in a terminal."
            )
        return getpass.getpass("Token of the other service: ", stream=sys.stderr).strip()
    if str(path) == "-":
        return read_line().strip()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} cannot be read: {getattr(error, 'strerror', 'it is not a text')}.") from error


def _notice(sentence: str) -> None:
    typer.echo(clean(sentence), err=True)


def _report(summary: "Summary", output: Path, organization: str, as_json: bool) -> None:
    if as_json:
        say(to_json({**asdict(summary), "organization": organization}))
    else:
        _notice(f"Clients downloaded: {summary.downloaded}, {summary.deleted} of them deleted")
        for name, number in sorted(summary.left_out.items()):
            _notice(f"Left out, because v1 does not document the property: {name} ({number} clients)")
    if summary.live != summary.counted:
        raise Malformed(
            f"{output} has {summary.live} live clients, but the service counts {summary.counted}. Clients may have changed "
            "at the same time: run the command again while nothing writes there."
        )
    if not as_json:
        _notice(f"Next: clientele import {output} --organization {organization}")
