"""The database: engines, sessions, the ledger, applying, the catalog."""
