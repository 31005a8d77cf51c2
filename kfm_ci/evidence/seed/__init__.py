"""Synthetic rows, so that migrations run on tables with data: valid, varied, and the same for the same seed."""

from __future__ import annotations

from kfm_ci.evidence.seed.seeder import seed_tables

__all__ = ["seed_tables"]
