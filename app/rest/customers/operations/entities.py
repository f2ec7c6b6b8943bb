"""The routes of entities."""

from app.rest.customers.entities import NAMES, get_entity, list_entities
from app.rest.customers.operations.samples import PAGINATION, SHOWN_ENTITY
from app.rest.customers.operations.shared import NO_ENTITY, PAGE, CustomersOperation, Handler, unknown_parameters
from app.rest.operations import Answer, Operations, ref

TAG = "Entities"

ENTITY_ROUTES: Operations[Handler] = {
    ("GET", "/entities"): CustomersOperation(
        handler=list_entities,
        id="listEntities",
        tag=TAG,
        summary="List entities",
        description="The entities that the token can access, the oldest first.",
        parameters=PAGE,
        answers={
            200: Answer(
                description="The entities.",
                schema=ref("EntityList"),
                example={"data": [SHOWN_ENTITY], "pagination": PAGINATION},
            )
        },
        errors=unknown_parameters(NAMES),
    ),
    ("GET", "/entities/{id}"): CustomersOperation(
        handler=get_entity,
        id="getEntity",
        tag=TAG,
        summary="Get an entity",
        answers={200: Answer(description="The entity.", schema=ref("Entity"), example=SHOWN_ENTITY)},
        errors=(NO_ENTITY,),
    ),
}
