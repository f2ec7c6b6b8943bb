"""The field tables of organizations: as the Customers contract shows them, entities, and as v1 shows one beside a client."""

from app.query.face import Codec, Face, Field, Kind
from app.query.sql.render import Selection

ENTITY = Face(
    "entities",
    "Entity",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(prefix="ent_"), writable=False, nullable=False),
            Field("name", "name", nullable=False),
            Field("email", "email"),
            Field("country", "country"),
            Field("locale", "locale", nullable=False),
            Field("environment", "environment", writable=False, nullable=False),
            Field("created_at", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("updated_at", "updated_at", Kind.DATE, writable=False, nullable=False),
        )
    },
    folds=True,
)
ENTITY_SELECTION: Selection = tuple(ENTITY.fields.items())

INCLUDED = Face(
    "included organizations",
    "Organization",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, nullable=False),
            Field("name", "name", nullable=False),
            Field("email", "email"),
            Field("country", "country"),
        )
    },
    folds=False,
)
