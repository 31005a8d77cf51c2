"""Checks that depend on rows: seeded base, schema divergence, swallowed exceptions."""
