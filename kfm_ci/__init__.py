"""kfm-ci: the gate through which database migrations reach production."""

__version__ = "0.1.0"
