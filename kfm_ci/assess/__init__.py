"""Evidence to findings, risk and policy: one question per module, all pure."""
