"""The pages for browsers: the landing page, the reference of the REST APIs, and the parts that GraphiQL's page shares with them."""
