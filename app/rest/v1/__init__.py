"""The v1 door: the Clients API as LoopBack 3 answers it."""

from app.rest.v1.api import unknown_routes, v1_routes

__all__ = ["unknown_routes", "v1_routes"]
