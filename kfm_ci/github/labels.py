"""The label with a pull request's risk."""

from __future__ import annotations

from github.Repository import Repository

from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext
from kfm_ci.model import Risk

PREFIX = "migration:risk-"


class Labels:
    """Publishes the risk as a label."""

    name = "label"

    def wanted(self, edition: PublicationContext) -> bool:
        """Whether the configuration enables it, and there is a pull request."""
        return edition.labels and edition.context.pull is not None

    def publish(self, edition: PublicationContext) -> None:
        """Set the label of the risk and remove the others; none without a verdict."""
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
        # the library sends a plain list, which GitHub accepts but does not document
        address = f"{repository.url}/issues/{number}/labels"
        repository.requester.requestJsonAndCheck("POST", address, input={"labels": [wanted]})
