"""The v1 API: the Clients API as LoopBack 3 answers it."""

from app.rest.v1.api import v1_api

__all__ = ["v1_api"]
