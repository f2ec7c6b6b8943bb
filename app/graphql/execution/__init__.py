"""How a selection becomes SQL, and the ordinary resolver path."""
