"""The pages for browsers: the landing page, the reference of the REST APIs, and what GraphiQL's page shares with them."""
