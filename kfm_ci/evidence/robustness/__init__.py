"""Robustness checks of migrations: interruption, a second run, a rebuild, other settings and another collation."""
