"""Analyses of the SQL of a change: changed statements, object names, removed objects, code search; no rule."""
