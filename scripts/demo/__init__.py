"""The generator of the demo's clients, which writes app/demo.jsonl.gz. It uses no database and no clock."""
