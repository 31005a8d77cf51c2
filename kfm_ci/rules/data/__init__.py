"""Rules about data changes."""
