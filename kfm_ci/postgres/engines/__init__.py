"""Engines that start or connect to a throwaway server, one file per kind."""
