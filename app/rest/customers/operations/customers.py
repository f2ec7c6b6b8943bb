"""The routes of customers."""

from app.clients.faces import CUSTOMER
from app.clients.record import CUSTOMER_RULES
from app.errors import Conflict, Invalid, Problem
from app.query.search_terms import MOST_TERMS
from app.records.bodies import read_body
from app.rest.customers.lists import list_customers
from app.rest.customers.operations.samples import CHECK, CUSTOMER_ID, NEW_CUSTOMER, PAGINATION, SHOWN_CUSTOMER
from app.rest.customers.operations.shared import (
    ENTITY_HEADERS,
    FULL,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    NO_ENTITY_AT_ALL,
    NO_RECORD,
    PAGE,
    TAG_HEADER,
    TAKEN,
    CustomersOperation,
    Handler,
    make_body,
    unknown_parameters,
)
from app.rest.customers.parameters import DEEPEST_QUERY, NAMES, read_orders, read_query
from app.rest.customers.records import (
    check_customer,
    check_no_id,
    create_customer,
    delete_customer,
    erase_customer,
    get_customer,
    restore_customer,
    update_customer,
)
from app.rest.operations import Answer, Errors, Operations, Parameter, json_text, raised_by, ref

TAG = "Customers"
SHOWN = Answer(description="The customer.", schema=ref("Customer"), headers=TAG_HEADER, example=SHOWN_CUSTOMER)
SORTABLE = [name for name, field in CUSTOMER.fields.items() if field.sortable]
INVALID: Errors = (
    raised_by(lambda: read_body(CUSTOMER, {}, CUSTOMER_RULES, "create")),
    raised_by(lambda: read_body(CUSTOMER, {"colour": "red"}, CUSTOMER_RULES, "update")),
    raised_by(lambda: read_body(CUSTOMER, {"country_code": "Slovenia"}, CUSTOMER_RULES, "update")),
)

ORDER_BY = Parameter(
    name="order_by",
    description="The order: the name of a field, with `-` before it for descending order. Several names are separated by commas, "
    f"or are a JSON list. The default is the order of the ids. Sortable fields: {', '.join(SORTABLE)}.",
    example="-created_at",
    errors=(
        raised_by(lambda: read_orders(["colour"])),
        raised_by(lambda: read_orders(["name,name"])),
        raised_by(lambda: read_orders(['[{"name": "up"}]'])),
    ),
)
QUERY = Parameter(
    name="query",
    description="Conditions as JSON text: `CustomerQuery` in the schemas. All of them hold. A dot leads into `metadata`: "
    f'`{{"metadata.order_id": "A-7"}}`. A query has at most {DEEPEST_QUERY} levels.',
    schema=json_text("CustomerQuery"),
    example='{"city":{"startsWith":"Lj"}}',
    errors=(
        raised_by(lambda: read_query("{")),
        raised_by(lambda: read_query("[]")),
        raised_by(lambda: read_query('{"colour": "red"}')),
        raised_by(lambda: read_query('{"name": {"like": "A"}}')),
        raised_by(lambda: read_query("[" * 13 + "]" * 13)),
    ),
)
SEARCH = Parameter(
    name="search",
    description="Words to search for in all texts, in upper or lower case. Each word may be a part of a word. "
    f"At most {MOST_TERMS} words count.",
    example="Minimal",
)

CUSTOMER_ROUTES: Operations[Handler] = {
    ("GET", "/customers"): CustomersOperation(
        handler=list_customers,
        id="listCustomers",
        tag=TAG,
        summary="List customers",
        description="A page of the customers of an entity. Deleted customers are left out.",
        parameters=(*PAGE, ORDER_BY, QUERY, SEARCH, *ENTITY_HEADERS),
        answers={
            200: Answer(
                description="The customers.",
                schema=ref("CustomerList"),
                example={"data": [SHOWN_CUSTOMER], "pagination": PAGINATION},
            )
        },
        errors=(NO_ENTITY_AT_ALL, *unknown_parameters(NAMES)),
    ),
    ("POST", "/customers"): CustomersOperation(
        handler=create_customer,
        id="createCustomer",
        tag=TAG,
        summary="Create a customer",
        description="All fields but `name` are optional. Read-only fields in the body are ignored.",
        parameters=(*ENTITY_HEADERS, IDEMPOTENCY_KEY),
        body=make_body("NewCustomer", NEW_CUSTOMER),
        answers={
            201: Answer(
                description="The new customer.", schema=ref("Customer"), headers=TAG_HEADER, example=SHOWN_CUSTOMER
            )
        },
        errors=(NO_ENTITY_AT_ALL, *INVALID, raised_by(lambda: check_no_id({"id": CUSTOMER_ID})), TAKEN, *FULL),
    ),
    ("GET", "/customers/{id}"): CustomersOperation(
        handler=get_customer,
        id="getCustomer",
        tag=TAG,
        summary="Get a customer",
        description="A deleted customer is not found.",
        parameters=(*ENTITY_HEADERS, IF_NONE_MATCH),
        answers={
            200: SHOWN,
            304: Answer(description="The customer still has the version of If-None-Match.", headers=TAG_HEADER),
        },
        errors=(NO_RECORD,),
    ),
    ("PATCH", "/customers/{id}"): CustomersOperation(
        handler=update_customer,
        id="updateCustomer",
        tag=TAG,
        summary="Change a customer",
        description="Writes the fields of the body. Keys of `metadata` are merged; null removes a key.",
        parameters=(*ENTITY_HEADERS, IF_MATCH),
        body=make_body("CustomerChanges", {"city": "Ljubljana"}),
        answers={200: SHOWN},
        errors=(NO_RECORD, *INVALID, TAKEN, *FULL),
    ),
    ("DELETE", "/customers/{id}"): CustomersOperation(
        handler=delete_customer,
        id="deleteCustomer",
        tag=TAG,
        summary="Delete a customer",
        description="Deletes a customer, which can be restored.",
        parameters=(*ENTITY_HEADERS, IF_MATCH),
        answers={200: SHOWN},
        errors=(NO_RECORD,),
    ),
    ("POST", "/customers/{id}/restore"): CustomersOperation(
        handler=restore_customer,
        id="restoreCustomer",
        tag=TAG,
        summary="Restore a customer",
        description="Restores a deleted customer. One that is not deleted is 404.",
        parameters=(*ENTITY_HEADERS, IF_MATCH),
        answers={200: SHOWN},
        errors=(NO_RECORD, TAKEN, *FULL),
    ),
    ("DELETE", "/customers/{id}/permanent"): CustomersOperation(
        handler=erase_customer,
        id="permanentDeleteCustomer",
        tag=TAG,
        summary="Erase a customer",
        description="Deletes a customer for good, with its history and the texts of its reminders.",
        parameters=(*ENTITY_HEADERS, IF_MATCH),
        answers={
            200: Answer(description="The customer, for the last time.", schema=ref("Customer"), example=SHOWN_CUSTOMER)
        },
        errors=(NO_RECORD,),
    ),
    ("POST", "/customers/{id}/vies-check"): CustomersOperation(
        handler=check_customer,
        id="checkCustomerVat",
        tag=TAG,
        summary="Check the tax number",
        description="Checks the form and the check digits of the tax number, and asks VIES if the service is set up for it. The "
        "result is stored in `vies`.",
        parameters=(*ENTITY_HEADERS, IF_MATCH),
        answers={
            200: Answer(description="The result.", schema=ref("VatCheck"), headers=TAG_HEADER, example=CHECK),
        },
        errors=(
            NO_RECORD,
            Invalid([Problem("tax_number", "presence", "The customer has no tax number")]),
            Conflict("The tax number was changed while it was being checked; ask again"),
            *FULL,
        ),
    ),
}
