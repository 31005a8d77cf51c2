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

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether the configuration enables it, and there is a pull request."""
        return publication.labels and publication.context.pull is not None

    def publish(self, publication: PublicationContext) -> None:
        """Set the label of the risk and remove the others; none without a verdict."""
        number = publication.context.pull or 0
        label = f"{PREFIX}{publication.evidence.risk.value}" if publication.evidence.new else None
        with api.translate_errors(publication, what=self.name, permission="pull-requests: write"):
            repository = api.connect(publication)
            api.repeat(lambda: _set(repository, number, label))


def _set(repository: Repository, number: int, label: str | None) -> None:
    issue = repository.get_issue(number)
    present = {item.name for item in issue.get_labels()}
    for stale in sorted(present & {f"{PREFIX}{risk.value}" for risk in Risk} - {label}):
        issue.remove_from_labels(stale)
    if label and label not in present:
        # the library sends a plain list, which GitHub accepts but does not document
        address = f"{repository.url}/issues/{number}/labels"
        repository.requester.requestJsonAndCheck("POST", address, input={"labels": [label]})
