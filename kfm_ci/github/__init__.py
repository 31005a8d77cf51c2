"""GitHub: context, commands, comment, check run, labels, artifact."""
