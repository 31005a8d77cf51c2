"""Rules about migration files: name, order, immutability."""
