"""Models: the nouns of this door, each by the name that LoopBack's messages call it."""

from dataclasses import dataclass

from app.accounts.faces import ACCOUNT
from app.clients.faces import V1
from app.organizations.faces import ORGANIZATION
from app.query.face import Face
from app.query.sql.render import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`face` has the properties, `everything` selects them all; `relations` are what an include may name."""

    face: Face
    everything: Selection
    relations: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.face.noun


def _model(face: Face, *relations: str) -> Model:
    return Model(face, tuple(face.fields.items()), relations)


CLIENT = _model(V1, "organization")
ORGANIZATION_MODEL = _model(ORGANIZATION)
ACCOUNT_MODEL = _model(ACCOUNT)
