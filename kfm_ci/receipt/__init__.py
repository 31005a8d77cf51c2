"""Receipts: in-toto statements of a run."""
