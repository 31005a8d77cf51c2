"""One verb a file, and the two sentences they form."""
