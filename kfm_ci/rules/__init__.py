"""What is wrong on paper: one rule a file."""
