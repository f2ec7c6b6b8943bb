"""Keys of the caller's own: a member of `custom` or `metadata` that identifies the live clients of an organization.

The values of the members are registered by triggers on the clients, so every way of writing a client keeps them unique.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
compatible = True

KEY_DIGEST = """
CREATE FUNCTION key_digest(document jsonb, member text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(document -> member) IN ('string', 'number') AND document ->> member <> ''
THEN sha256(convert_to(document ->> member, 'UTF8')) END
"""
"""The digest of a key's value: of a text, or of a number as JSON spells it. Any other value is none."""

CLAIM = """
CREATE FUNCTION claim_client_keys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    claimed record;
    holder text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(NEW.organization_id, 4017));
    FOR claimed IN
        SELECT document, name,
            key_digest(CASE document WHEN 'custom' THEN NEW.custom ELSE NEW.metadata END, name) AS digest
        FROM client_keys WHERE organization_id = NEW.organization_id ORDER BY document, name
    LOOP
        CONTINUE WHEN claimed.digest IS NULL;
        INSERT INTO client_key_values (organization_id, document, name, digest, client_id)
        VALUES (NEW.organization_id, claimed.document, claimed.name, claimed.digest, NEW.id) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT client_id INTO holder FROM client_key_values
            WHERE organization_id = NEW.organization_id AND document = claimed.document AND name = claimed.name
            AND digest = claimed.digest;
            RAISE EXCEPTION USING ERRCODE = CASE WHEN holder IS NULL THEN '40001' ELSE 'CK001' END,
                MESSAGE = 'the value of a key belongs to another client',
                DETAIL = json_build_object('document', claimed.document, 'name', claimed.name,
                    'client', NEW.id, 'holder', holder)::text;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""
"""The lock waits for the registration of a key, and a registration waits until this transaction has ended.

A value that another transaction is writing is waited for. If it was taken and released meanwhile, the error makes the
service run the transaction again."""

RELEASE = """
CREATE FUNCTION release_client_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(OLD.organization_id, 4017));
    DELETE FROM client_key_values WHERE organization_id = OLD.organization_id AND client_id = OLD.id;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$
"""

TRIGGERS = (
    """
CREATE TRIGGER claim_keys_of_new_clients AFTER INSERT ON clients FOR EACH ROW
WHEN (NEW.deleted_at IS NULL AND (NEW.custom <> '{}' OR NEW.metadata <> '{}')) EXECUTE FUNCTION claim_client_keys()
""",
    """
CREATE TRIGGER claim_keys_of_changed_clients AFTER UPDATE ON clients FOR EACH ROW
WHEN (NEW.deleted_at IS NULL AND (OLD.deleted_at IS NOT NULL OR OLD.custom IS DISTINCT FROM NEW.custom
OR OLD.metadata IS DISTINCT FROM NEW.metadata)) EXECUTE FUNCTION claim_client_keys()
""",
    """
CREATE TRIGGER release_keys_of_changed_clients BEFORE UPDATE ON clients FOR EACH ROW
WHEN (OLD.deleted_at IS NULL AND (OLD.custom <> '{}' OR OLD.metadata <> '{}') AND (NEW.deleted_at IS NOT NULL
OR OLD.custom IS DISTINCT FROM NEW.custom OR OLD.metadata IS DISTINCT FROM NEW.metadata))
EXECUTE FUNCTION release_client_keys()
""",
    """
CREATE TRIGGER release_keys_of_erased_clients BEFORE DELETE ON clients FOR EACH ROW
WHEN (OLD.deleted_at IS NULL AND (OLD.custom <> '{}' OR OLD.metadata <> '{}')) EXECUTE FUNCTION release_client_keys()
""",
)
"""A statement releases the values of all rows that it changes before it claims new ones, so clients can swap values."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.create_table(
        "client_keys",
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("document", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_client_keys_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "document", "name", name="pk_client_keys"),
    )
    op.create_table(
        "client_key_values",
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("document", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "document", "name", "digest", name="pk_client_key_values"),
    )
    op.create_index("ix_client_key_values_client", "client_key_values", ["organization_id", "client_id"])
    for statement in (KEY_DIGEST, CLAIM, RELEASE, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for trigger in (
        "claim_keys_of_new_clients",
        "claim_keys_of_changed_clients",
        "release_keys_of_changed_clients",
        "release_keys_of_erased_clients",
    ):
        op.execute(f"DROP TRIGGER {trigger} ON clients")
    for function in ("claim_client_keys()", "release_client_keys()", "key_digest(jsonb, text)"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("client_key_values")
    op.drop_table("client_keys")
