"""Whether the release that runs now still works while, and after, the schema changes under it."""
