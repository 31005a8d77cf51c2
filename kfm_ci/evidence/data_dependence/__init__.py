"""Migrations that succeed on an empty table and fail on rows: which rows, whether production has them, what to do."""

from __future__ import annotations

from kfm_ci.evidence.data_dependence.diagnosis import depends_on_data, diagnose
from kfm_ci.evidence.data_dependence.model import Dependence

__all__ = ["Dependence", "depends_on_data", "diagnose"]
