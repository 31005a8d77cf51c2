"""Rules about forbidden content: secrets, personal data, dumps, binaries."""
