"""Hostile requests to a real service: thousands of generated ones, over every API. `python -m tests.faults.hostile`."""
