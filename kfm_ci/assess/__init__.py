"""From what the server did to what is wrong with it: one module a question, all pure."""
