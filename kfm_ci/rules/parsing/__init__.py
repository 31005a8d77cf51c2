"""Rules about SQL that cannot be analysed."""
