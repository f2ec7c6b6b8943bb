"""THE compiler: a question, a face and a selection become one statement that renders each row as JSON."""
