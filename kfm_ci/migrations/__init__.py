"""What was written: files, names, headers, statements, and what is new."""
