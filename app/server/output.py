"""The text that is printed: results of commands, and at the start the URLs with examples to paste."""

import sys

from app.config import Config
from app.demo import Demonstration


def describe(config: Config, base: str, demo: Demonstration | None) -> str:
    """The text at the start: the URLs, and for the demo a token and a command to paste for each API."""
    mail = (
        "sent through SMTP_URL" if config.smtp_url else f"written to {config.data_dir / 'mail'} (SMTP_URL is not set)"
    )
    lines = [
        "",
        f"  GraphiQL   {base}/graphql",
        f"  REST       {base}/v1  and  {base}/customers",
        f"  Mail       {mail}",
    ]
    if demo is None:
        return "\n".join([*lines, "  Token      clientele token create --account EMAIL", ""])
    return "\n".join([*lines, f"  Token      {demo.token}", "", *examples(base, demo), ""])


def examples(base: str, demo: Demonstration) -> list[str]:
    query = '{"query": "{ clients(first: 3) { totalCount nodes { name city } } }"}'
    v1 = f"{base}/v1/Organizations/{demo.organization_id}/clients?filter=%7B%22limit%22:3%7D"
    return [
        f"  curl -s {base}/graphql -H 'Authorization: Bearer {demo.token}' -H 'Content-Type: application/json' -d '{query}'",
        f"  curl -s '{v1}' -H 'Authorization: {demo.token}'",
        f"  curl -s '{base}/customers?limit=3' -H 'Authorization: Bearer {demo.token}'",
    ]


def say(text: str) -> None:
    """Prints a result to stdout, at once."""
    print(text, file=sys.stdout, flush=True)
