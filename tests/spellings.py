"""Spells one condition in every dialect, with the names of every face.

A condition is (field, operator, value), or ("and" | "or" | "not", conditions…), in the names of the tables below.
"""

from dataclasses import dataclass
from typing import Any

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, GRAPHQL_CUSTOMER, V1
from app.graphql.execution.dialect import GRAPHQL
from app.query.dialects import Dialect
from app.query.face import Face
from app.query.model import Predicate
from app.query.reader import read_predicate
from app.rest.customers.dialect import MONGO
from app.rest.v1.dialect import LOOPBACK

Question = tuple[Any, ...]

# field: its name on v1, on Customers, on the GraphQL client, on the GraphQL customer
NAMES: dict[str, tuple[str | None, ...]] = {
    "id": ("id", "id", "clientId", "customerId"),
    "name": ("name", "name", "name", "name"),
    "email": ("email", "email", "email", "email"),
    "type": ("type", "contact_type", "type", "contactType"),
    "zip": ("zip", "post_code", "zip", "postCode"),
    "city": ("city", "city", "city", "city"),
    "country": ("country", "country", "country", "country"),
    "code": ("countryAlpha2Code", "country_code", "countryAlpha2Code", "countryCode"),
    "tax number": ("taxNumber", "tax_number", "taxNumber", "taxNumber"),
    "company": ("companyNumber", "company_number", "companyNumber", "companyNumber"),
    "taxed": ("taxSubject", "is_tax_subject", "taxSubject", "isTaxSubject"),
    "end": ("isEndCustomer", "is_end_consumer", "isEndCustomer", "isEndConsumer"),
    "created": ("createdAt", "created_at", "createdAt", "createdAt"),
    "updated": ("updatedAt", "updated_at", "updatedAt", "updatedAt"),
    "json": ("custom", "metadata", "custom", "metadata"),
    "version": (None, None, "version", "version"),
    "phone": ("phone", None, "phone", None),
}

# operator: its name in LoopBack, in Customers queries, in GraphQL
OPERATORS: dict[str, tuple[str | None, ...]] = {
    "=": ("eq", "equals", "eq"),
    "!=": ("neq", "not", "ne"),
    ">": ("gt", "gt", "gt"),
    ">=": ("gte", "gte", "gte"),
    "<": ("lt", "lt", "lt"),
    "<=": ("lte", "lte", "lte"),
    "in": ("inq", "in", "in"),
    "not in": ("nin", "notIn", "notIn"),
    "between": ("between", "between", "between"),
    "contains": ("ilike", "contains", "contains"),
    "starts": ("ilike", "startsWith", "startsWith"),
    "ends": ("ilike", "endsWith", "endsWith"),
    "not contains": ("nilike", None, "notContains"),
    "not starts": ("nilike", None, "notStartsWith"),
    "not ends": ("nilike", None, "notEndsWith"),
    "like": ("like", None, "like"),
    "regex": ("regexp", None, "regex"),
}
PARTS = {"contains": "%{}%", "starts": "{}%", "ends": "%{}"}
PARTS |= {f"not {operator}": pattern for operator, pattern in PARTS.items()}
BUYERS = {"customer": "buyer"}


@dataclass(frozen=True)
class Spelling:
    """One dialect with one face. `name_index` and `operator_index` are its columns in NAMES and OPERATORS."""

    dialect: Dialect
    face: Face
    name_index: int
    operator_index: int

    def spell(self, question: Question) -> dict[str, Any] | None:
        """Returns the condition in this dialect, or None when the dialect cannot express it."""
        if question[0] in ("and", "or", "not"):
            return self.spell_logic(question[0], [self.spell(part) for part in question[1:]])
        field, _, path = question[0].partition(".")
        name, operator = NAMES[field][self.name_index], OPERATORS[question[1]][self.operator_index]
        if name is None or operator is None or ("." in path and not self.dialect.deep_paths):
            return None
        value = self.spell_value(field, question[1], question[2])
        condition = {operator: value}
        if self.dialect is GRAPHQL and question[1] in ("like", "regex"):
            condition["caseSensitive"] = True
        if not path:
            return {name: condition}
        return (
            {name: [{"path": path.split("."), **condition}]}
            if self.dialect is GRAPHQL
            else {f"{name}.{path}": condition}
        )

    def spell_value(self, field: str, operator: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self.spell_value(field, operator, item) for item in value]
        if self.dialect is LOOPBACK and operator in PARTS:
            plain = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            return PARTS[operator].format(plain)
        customers = self.face in (CUSTOMER, GRAPHQL_CUSTOMER)
        if field == "id" and customers:
            return f"cust_{value}"
        if field != "type" or value is None:
            return value
        word = BUYERS.get(value, value) if customers else value
        return word.upper() if self.dialect is GRAPHQL else word

    def spell_logic(self, logic: str, parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
        spelled = [part for part in parts if part is not None]
        if len(spelled) < len(parts):
            return None
        if logic in self.dialect.logic:
            return {logic: spelled[0] if logic == "not" else spelled}
        merged = {name: condition for part in spelled for name, condition in part.items()}
        return merged if logic == "and" and len(merged) == len(spelled) else None

    def read(self, question: Question) -> Predicate | None:
        spelled = self.spell(question)
        return None if spelled is None else read_predicate(spelled, self.dialect, self.face)


SPELLINGS = {
    "v1": Spelling(LOOPBACK, V1, 0, 0),
    "customers": Spelling(MONGO, CUSTOMER, 1, 1),
    "graphql client": Spelling(GRAPHQL, GRAPHQL_CLIENT, 2, 2),
    "graphql customer": Spelling(GRAPHQL, GRAPHQL_CUSTOMER, 3, 2),
}
