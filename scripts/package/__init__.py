"""The package: its build, its lock files and its releases."""
