"""The field tables of changes in GraphQL, over the columns of `app.changes.columns`."""

from app.query.face import Codec, Face, Field, Kind

ACTION_WORD = Codec(
    words=(
        ("CREATED", "created"),
        ("IMPORTED", "imported"),
        ("UPDATED", "updated"),
        ("DELETED", "deleted"),
        ("RESTORED", "restored"),
        ("ERASED", "erased"),
    ),
    otherwise="UPDATED",
)
ACTOR_WORD = Codec(words=(("ACCOUNT", "account"), ("TOKEN", "token"), ("OPERATOR", "operator"), ("SYSTEM", "system")))
"""The words of GraphQL's enums."""

# fmt: off
CHANGE_FIELDS = (
    Field("action", "action", codec=ACTION_WORD, writable=False, nullable=False),
    Field("at", "at", Kind.DATE, writable=False, nullable=False),
    Field("version", "version", Kind.NUMBER, writable=False, nullable=False),
    Field("clientId", "client_id", Kind.ID, writable=False, nullable=False),
    Field("customerId", "client_id", Kind.ID, Codec(prefix="cust_"), writable=False, nullable=False),
)
"""The fields that a change has under every face of its record."""

ACTOR = Face(
    "graphql actor",
    "Actor",
    {
        field.name: field
        for field in (
            Field("type", "actor_type", codec=ACTOR_WORD, writable=False, nullable=False),
            Field("id", "actor_id", Kind.ID, writable=False),
            Field("name", "actor_name", writable=False, nullable=False),
        )
    },
    folds=False,
)

FIELD_CHANGE = Face(
    "graphql field change",
    "FieldChange",
    {
        field.name: field
        for field in (
            Field("field", "field", writable=False, nullable=False),
            Field("before", "before", Kind.JSON, writable=False),
            Field("after", "after", Kind.JSON, writable=False),
        )
    },
    folds=False,
)
# fmt: on
