"""SQL text: tokens, parse tree, statements, transactions; no knowledge of migrations."""
