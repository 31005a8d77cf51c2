"""Rules about locks, table rewrites and full table scans."""
