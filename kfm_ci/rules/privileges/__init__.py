"""Rules about privileges, roles and the server outside the database."""
