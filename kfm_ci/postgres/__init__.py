"""PostgreSQL: engines, sessions, the ledger, running scripts, the catalog."""
