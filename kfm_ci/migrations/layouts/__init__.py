"""File layouts that several formats share."""
