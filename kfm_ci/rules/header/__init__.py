"""Rules about the migration header."""
