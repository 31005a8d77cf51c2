"""Migrations that succeed on empty tables and fail on rows: the offending rows, a query for production, the fix."""

from __future__ import annotations

from kfm_ci.evidence.data_dependence.diagnosis import depends_on_data, diagnose
from kfm_ci.evidence.data_dependence.model import Dependence

__all__ = ["Dependence", "depends_on_data", "diagnose"]
