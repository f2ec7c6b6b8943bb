"""Privacy: how long personal data is kept, and the worker that deletes it afterwards."""
