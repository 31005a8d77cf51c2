"""junit.xml: one test suite per stage."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from kfm_ci.evidence.model import Evidence, StageEvidence
from kfm_ci.model import Finding, Hazard, StageStatus
from kfm_ci.report.escape import visible, xml_text

_STATIC = frozenset(
    {
        Hazard.NAMING,
        Hazard.ORDER,
        Hazard.HEADER,
        Hazard.MANIFEST,
        Hazard.IMMUTABILITY,
        Hazard.TRACEABILITY,
        Hazard.FORBIDDEN_CONTENT,
        Hazard.UNANALYSABLE,
        Hazard.ROLLBACK_MISSING,
        Hazard.PRIVILEGE,
        Hazard.SESSION_STATE,
        Hazard.UNDERSTATED_RISK,
    }
)


def render(evidence: Evidence) -> str:
    """Return the XML: active errors are failures, errored stages are errors, skipped stages are skipped."""
    root = Element("testsuites", name="kfm-ci")
    names = [stage.name for stage in evidence.stages]
    by_suite: dict[str, list[Finding]] = {}
    for item in evidence.findings:
        by_suite.setdefault(_suite_of(item, names), []).append(item)
    for stage in evidence.stages:
        _add_stage(root, stage, by_suite.pop(stage.name, []), evidence)
    for name, left in by_suite.items():
        _count(_add_findings(SubElement(root, "testsuite", name=name, time="0"), name, left))
    if evidence.failure:
        suite = SubElement(root, "testsuite", name="run", time="0")
        case = SubElement(suite, "testcase", classname="kfm-ci.run", name="the run was complete", time="0")
        _add_fault(case, "error", evidence.failure, evidence.failure)
        _count(suite)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite_of(item: Finding, names: list[str]) -> str:
    """Return the stage of a finding by its hazard: the first of its possible stages that the run has."""
    stages: tuple[str, ...]
    if item.hazard in _STATIC:
        stages = ("validate",)
    elif item.hazard is Hazard.ROLLBACK_UNPROVEN:
        stages = ("rollback", "apply")
    elif item.hazard in {Hazard.SMOKE, Hazard.COEXISTENCE}:
        stages = ("smoke", "apply")
    elif item.hazard is Hazard.DRIFT:
        stages = ("preflight", "dry-run", "apply")
    else:
        stages = ("apply", "validate")
    return next((name for name in stages if name in names), "findings")


def _add_stage(root: Element, stage: StageEvidence, findings: list[Finding], evidence: Evidence) -> None:
    seconds = f"{max(stage.duration_ms, 0) / 1000:.3f}"
    suite = SubElement(root, "testsuite", name=_text(stage.name), time=seconds)
    own = SubElement(suite, "testcase", classname=f"kfm-ci.{_text(stage.name)}", name=_text(stage.name), time=seconds)
    message = stage.message or stage.status.value
    if stage.status is StageStatus.SKIPPED:
        SubElement(own, "skipped", message=_text(message))
    elif stage.status is StageStatus.ERRORED:
        _add_fault(own, "error", message, message)
    elif stage.status is StageStatus.FAILED:
        _add_fault(own, "failure", message, message)
    _add_findings(suite, stage.name, findings)
    if stage.name == "smoke":
        for test in evidence.smoke:
            case = SubElement(suite, "testcase", classname="kfm-ci.smoke", name=_text(test.name), time="0")
            if not test.passed:
                _add_fault(case, "failure", test.message or "failed", test.message or "failed")
    _count(suite)


def _add_findings(suite: Element, name: str, findings: list[Finding]) -> Element:
    for item in findings:
        place = f"{item.place.file or item.migration or 'repository'}:{item.place.line or 0}"
        case = SubElement(
            suite, "testcase", classname=f"kfm-ci.{_text(name)}", name=_text(f"{item.rule} {place}"), time="0"
        )
        if item.place.file:
            case.set("file", _text(item.place.file))
        text = f"{item.message}\n{item.help or ''}".strip()
        if item.is_blocking:
            _add_fault(case, "failure", item.message, text, item.hazard.value)
        else:
            reason = f"acknowledged: {item.acknowledged.reason}\n" if item.acknowledged else ""
            SubElement(case, "system-out").text = _text(f"{item.severity.value}, {item.verdict.value}\n{reason}{text}")
    return suite


def _add_fault(case: Element, kind: str, message: str, text: str, type_name: str = "kfm-ci") -> None:
    SubElement(case, kind, message=_text(message), type=type_name).text = _text(text)


def _text(text: str) -> str:
    return xml_text(visible(text))


def _count(suite: Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for total, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(sum(case.find(kind) is not None for case in cases)))
