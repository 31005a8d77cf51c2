"""Run kfm-ci as ``python -m kfm_ci``."""

from kfm_ci.cli import main

main()
