"""From evidence to judgement and text."""
