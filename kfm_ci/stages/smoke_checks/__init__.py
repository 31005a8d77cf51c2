"""Smoke checks: assertions, verify scripts, compatibility of the previous release."""
