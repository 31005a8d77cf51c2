"""The label that shows a pull request's risk in lists."""

from __future__ import annotations

from github.Repository import Repository

from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext
from kfm_ci.model import Risk

PREFIX = "migration:risk-"


class Labels:
    """Tells the risk by a label."""

    name = "label"

    def wanted(self, edition: PublicationContext) -> bool:
        """Whether the configuration asks for it, and there is a pull request."""
        return edition.labels and edition.context.pull is not None

    def publish(self, edition: PublicationContext) -> None:
        """Leave the one label that is true; none where nothing was judged."""
        number = edition.context.pull or 0
        wanted = f"{PREFIX}{edition.evidence.risk.value}" if edition.evidence.new else None
        with api.explained(edition, what=self.name, permission="pull-requests: write"):
            repository = api.connect(edition)
            api.repeat(lambda: _set(repository, number, wanted))


def _set(repository: Repository, number: int, wanted: str | None) -> None:
    issue = repository.get_issue(number)
    present = {label.name for label in issue.get_labels()}
    for stale in sorted(present & {f"{PREFIX}{risk.value}" for risk in Risk} - {wanted}):
        issue.remove_from_labels(stale)
    if wanted and wanted not in present:
        # the library sends a bare list, which GitHub takes but does not promise to take
        address = f"{repository.url}/issues/{number}/labels"
        repository.requester.requestJsonAndCheck("POST", address, input={"labels": [wanted]})
