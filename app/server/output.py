"""The text that is printed at the start: the URLs, with examples to paste."""

from app.config import Config
from app.demo import Demonstration
from app.postgres.folders import find_home


def describe(config: Config, base: str, demo: Demonstration | None) -> str:
    """The text at the start: the URLs, and for the demo a token and a command to paste for each API."""
    mail = (
        "sent through SMTP_URL" if config.smtp_url else f"written to {config.data_dir / 'mail'} (SMTP_URL is not set)"
    )
    lines = [
        "",
        show_graphql(config, base),
        f"  REST       {base}/v1  and  {base}/customers",
        *([f"  Docs       {base}/docs"] if config.pages else []),
        f"  Mail       {mail}",
        *([f"  Database   {find_home(config.data_dir)} (embedded PostgreSQL)"] if config.embedded else []),
    ]
    if demo is None:
        return "\n".join([*lines, "  Token      clientele token create --account EMAIL", ""])
    return "\n".join([*lines, f"  Token      {demo.token}", "", *examples(config, base, demo), ""])


def show_graphql(config: Config, base: str) -> str:
    """The line with the address of the GraphQL API. It names GraphiQL only if the page can run operations."""
    if config.documents_only:
        return f"  GraphQL    {base}/graphql  (trusted documents only)"
    return f"  {'GraphiQL' if config.graphiql else 'GraphQL '}   {base}/graphql"


def examples(config: Config, base: str, demo: Demonstration) -> list[str]:
    """A command to paste for each API, except one that the service would reject."""
    query = '{"query": "{ clients(first: 3) { totalCount nodes { name city } } }"}'
    v1 = f"{base}/v1/Organizations/{demo.organization_id}/clients?filter=%7B%22limit%22:3%7D"
    graphql = f"  curl -s {base}/graphql -H 'Authorization: Bearer {demo.token}' -H 'Content-Type: application/json' -d '{query}'"
    return [
        *([] if config.documents_only else [graphql]),
        f"  curl -s '{v1}' -H 'Authorization: {demo.token}'",
        f"  curl -s '{base}/customers?limit=3' -H 'Authorization: Bearer {demo.token}'",
    ]
