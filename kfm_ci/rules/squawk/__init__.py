"""The linter squawk: its process, its findings and their hazards."""
