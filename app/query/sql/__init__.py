"""The compiler: a list request becomes one statement that renders each row as JSON."""
