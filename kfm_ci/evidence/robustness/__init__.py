"""What one clean run does not show: a migration that is interrupted, run twice, or run on another machine."""
