"""External migration tools: known commands and how a tool process is run."""
