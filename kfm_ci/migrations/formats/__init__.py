"""Formats: one tool a file, one line in ``ALL``."""
