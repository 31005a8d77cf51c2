"""Recorded SQL of an external migration tool, from the server log."""
