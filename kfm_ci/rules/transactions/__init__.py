"""Rules about transactions and session state."""
