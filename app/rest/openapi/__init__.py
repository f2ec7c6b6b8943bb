"""OpenAPI 3.1 documents of both REST APIs, made from the operations, the field tables and the tables of errors."""
