"""The paths of the Customers door."""

from starlette.routing import BaseRoute, Route

from app.config import Config
from app.rest.customers.api import ID, CustomersDoor, Path
from app.rest.customers.entities import get_entity, list_entities
from app.rest.customers.lists import list_customers
from app.rest.customers.records import (
    check_customer,
    create_customer,
    delete_customer,
    erase_customer,
    get_customer,
    restore_customer,
    update_customer,
)
from app.storage.database import Database
from app.vat.vies import Vies

PATHS = (
    Path(("customers",), {"GET": list_customers, "POST": create_customer}),
    Path(("customers", ID), {"GET": get_customer, "PATCH": update_customer, "DELETE": delete_customer}),
    Path(("customers", ID, "restore"), {"POST": restore_customer}),
    Path(("customers", ID, "permanent"), {"DELETE": erase_customer}),
    Path(("customers", ID, "vies-check"), {"POST": check_customer}),
    Path(("entities",), {"GET": list_entities}),
    Path(("entities", ID), {"GET": get_entity}),
)


def customer_routes(database: Database, vies: Vies, config: Config) -> list[BaseRoute]:
    """The routes of the door; it needs RequestIds and the authentication in front of it."""
    door = CustomersDoor(database, vies, PATHS, config.body_cap)
    nouns = dict.fromkeys(path.segments[0] for path in PATHS)
    return [Route(f"/{noun}{rest}", door) for noun in nouns for rest in ("", "/{rest:path}")]
