"""The execution of selections: as SQL, or on the ordinary resolver path."""
