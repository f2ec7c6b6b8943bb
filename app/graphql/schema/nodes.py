"""The interface of objects with a global id."""

import strawberry
from strawberry import field


@strawberry.interface(description="An object with a global id, which `node` can load.")
class Node:
    id: strawberry.ID = field(description="The global id.")
