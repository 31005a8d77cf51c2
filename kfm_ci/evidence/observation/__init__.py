"""Observation of what the server does for each statement: locks, rewrites, scans, effects."""
