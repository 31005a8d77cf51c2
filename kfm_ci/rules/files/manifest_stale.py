"""Rule ``manifest-stale``: manifest does not match the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations.manifest import CHECKSUMS, MANIFEST, ManifestProblem, verify_checksums, verify_manifest
from kfm_ci.migrations.model import History, Unreadable
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

_MOST = 20
"""Problems reported per file; the rest is counted."""
_VERIFIERS: tuple[tuple[str, Callable[[bytes, History], tuple[ManifestProblem, ...]]], ...] = (
    (MANIFEST, verify_manifest),
    (CHECKSUMS, verify_checksums),
)


MANIFEST_STALE = RuleInfo(
    id="manifest-stale",
    hazard=Hazard.MANIFEST,
    title="Manifest does not match the files",
    why=(
        "Release tooling and auditors rely on `meta/manifest.json` and `meta/checksums.txt`, so both "
        "must list every file with its digest in order. Line ends that git converts on checkout "
        "change digests: set `-text` for the directory in `.gitattributes`. Run `kfm-ci manifest` to "
        "write both files."
    ),
    bad="migrations/db/meta/checksums.txt lists the digest that the file had before its last edit\n",
    good="kfm-ci manifest && git add migrations/db/meta\n",
)


class ManifestStale:
    """Compares the manifest and the checksum file with the migration files."""

    info = MANIFEST_STALE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each entry that is missing or wrong."""
        directory = change.head.directory.rstrip("/")
        for name, verify in _VERIFIERS:
            path = name if directory in {"", "."} else f"{directory}/{name}"
            if not change.tree.exists(path):
                if change.requirements.require_manifest:
                    yield self._finding(
                        path, f"`{path}` is required by the policy, but does not exist.", "Run `kfm-ci manifest`."
                    )
                continue
            try:
                problems = verify(change.tree.read(path), change.head)
            except Unreadable as error:
                yield self._finding(
                    path, f"`{path}` cannot be read: {shown(str(error), 120)}.", "Replace it with a regular file."
                )
                continue
            for problem in problems[:_MOST]:
                yield self._finding(path, problem.message, _remedy(directory, problem))
            if len(problems) > _MOST:
                yield self._finding(
                    path, f"The file has {len(problems) - _MOST} more differences.", "Run `kfm-ci manifest`."
                )

    def _finding(self, path: str, message: str, help: str) -> Finding:
        return migration_finding(MANIFEST_STALE, shown(message, 300), help=help, place=Place(file=path, line=1))


def _remedy(directory: str, problem: ManifestProblem) -> str:
    if problem.line_ends:
        pattern = "**" if directory in {"", "."} else f"/{directory}/**"
        return f"Add `{pattern} -text` to `.gitattributes` and check the files out again: only line ends differ."
    return "Run `kfm-ci manifest`."
