"""The reference of the REST APIs: the page at /docs, and the sources of its bundle."""
