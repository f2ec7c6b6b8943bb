"""Invented clients of many countries, to look around with. Pure: nothing here touches a database."""

from scripts.demo.clients import demo_clients

__all__ = ["demo_clients"]
