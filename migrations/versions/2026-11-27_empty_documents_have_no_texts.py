"""`search_words` calls no function for documents without members, which most clients have."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
compatible = True

DOCUMENTS = ("metadata", "custom", "bank_accounts")


def make_search_words(texts_of: str) -> str:
    """The function, with the SQL of the texts inside a document."""
    documents = ", ".join(texts_of.format(name) for name in DOCUMENTS)
    return f"""
CREATE OR REPLACE FUNCTION search_words(texts text[], metadata jsonb, custom jsonb, bank_accounts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ' ' || squeeze(fold(concat_ws(' ', array_to_string(texts, ' '), {documents})))
"""


SEARCH_WORDS = make_search_words("CASE WHEN {0} NOT IN ('{{}}', '[]') THEN json_texts({0}) END")
"""The same words as before: `json_texts` begins with this condition. PostgreSQL started it three times for each client."""
FORMER_SEARCH_WORDS = make_search_words("json_texts({0})")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(SEARCH_WORDS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(FORMER_SEARCH_WORDS)
