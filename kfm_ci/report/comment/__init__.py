"""The pull request comment."""
