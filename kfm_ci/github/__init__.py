"""The platform that runs us."""
