"""Compatibility of the running release with the schema during and after a change."""
