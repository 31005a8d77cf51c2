"""Parts of provisioning: databases, baseline, history table, error help."""
