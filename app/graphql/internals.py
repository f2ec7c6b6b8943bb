"""Rendered values: JSON that the database has made goes into the answer as it is, past the executor's completion."""

from typing import Any

import orjson
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Rendered:
    """The JSON text of a whole selection, which completes to itself."""

    __slots__ = ("fragment",)

    def __init__(self, json: str | bytes) -> None:
        self.fragment = orjson.Fragment(json)


class RenderingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which takes rendered values as complete and counts them."""

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if type(result) is Rendered:
            self.context_value.rendered += 1
            return result.fragment
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
