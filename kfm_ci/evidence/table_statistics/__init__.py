"""How large production's tables are, and how busy: taken there, read here, so that severity fits."""
