"""The action's second container: remove servers that the first one left, after the job.

Runs as ``post-entrypoint`` of ``action.yml``. It must be quick: usually there is nothing to remove.
"""

from __future__ import annotations

import os

from kfm_ci import phrases
from kfm_ci.errors import CannotCheck
from kfm_ci.github import context


def main() -> None:
    """Remove the containers and networks of the first container, and of other ended ones; never fail the job."""
    host = context.first_container()
    if host is None or not os.path.exists("/var/run/docker.sock"):
        return
    from kfm_ci.postgres.engines import containers

    try:
        with containers.daemon() as client:
            count = containers.remove_abandoned(client, host=host)
    except CannotCheck:
        return
    if count:
        os.write(1, f"kfm-ci: removed {phrases.count(count, 'server')} that a cancelled run left\n".encode())


if __name__ == "__main__":
    main()
