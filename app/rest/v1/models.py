"""Models: the record types of the v1 API with the names that LoopBack's messages use."""

from dataclasses import dataclass

from app.accounts.faces import ACCOUNT
from app.clients.faces import V1
from app.organizations.faces import ORGANIZATION
from app.query.face import Face
from app.query.sql.render import Selection
from app.webhooks.faces import V1_DELIVERY, V1_WEBHOOK


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`face` has the properties, `everything` selects all of them, and `relations` are the names for an include."""

    face: Face
    everything: Selection
    relations: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.face.type_name


def _model(face: Face, *relations: str) -> Model:
    return Model(face, tuple(face.fields.items()), relations)


CLIENT = _model(V1, "organization")
ORGANIZATION_MODEL = _model(ORGANIZATION)
ACCOUNT_MODEL = _model(ACCOUNT)
WEBHOOK = _model(V1_WEBHOOK)
WEBHOOK_DELIVERY = _model(V1_DELIVERY)
