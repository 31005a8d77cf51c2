"""Reports: text only, from frozen evidence."""
