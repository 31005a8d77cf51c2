"""Synthetic rows, so that migrations meet a table that is not empty: valid, varied, and the same for the same seed."""

from __future__ import annotations

from kfm_ci.evidence.seed.seeder import sow

__all__ = ["sow"]
