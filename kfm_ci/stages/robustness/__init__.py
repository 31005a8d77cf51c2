"""Robustness checks: interruption, second run, rebuild, other settings."""
