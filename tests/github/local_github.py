"""A GitHub of our own on this machine: it keeps comments and labels, and holds every request and every answer to the
description that GitHub publishes (``openapi.json``: the paths we use, from npm ``@octokit/openapi`` 23.0.2, MIT)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
from served import Reply, Request, served

DESCRIPTION = json.loads((Path(__file__).parent / "openapi.json").read_text())
Make = Callable[..., Any]
"""Makes an publication; keywords go to its context and inputs."""
BOT = "github-actions[bot]"


def plain(schema: Any) -> Any:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema has a type of its own."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {key: plain(value) for key, value in schema.items()}
    if turned.pop("nullable", False) is True:
        return {"anyOf": [turned, {"type": "null"}]}
    return turned


ROOT = plain(DESCRIPTION)


def sample(schema: dict[str, Any]) -> Any:
    """Return the least that a schema takes: what it requires, and nothing else."""
    if "$ref" in schema:
        found: Any = ROOT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return sample(found)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return None if {"type": "null"} in choices else sample(choices[0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: sample(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return []
        case "string":
            return "https://api.github.com/x" if schema.get("format") == "uri" else "2026-01-01T00:00:00Z"
        case "integer" | "number":
            return 1
        case "boolean":
            return False
        case _:
            return {name: sample(item) for part in schema.get("allOf", ()) for name, item in sample(part).items()}


def pull(number: int, tip: str, state: str = "open") -> dict[str, Any]:
    """Return a pull request as GitHub lists it."""
    made = sample(ROOT["components"]["schemas"]["pull-request-simple"])
    return {**made, "number": number, "state": state, "head": {**made["head"], "sha": tip}}


def user(login: str) -> dict[str, Any]:
    base = f"https://api.github.com/users/{login}"
    urls = (
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    )
    return {
        "login": login,
        "id": abs(hash(login)) % 10**6,
        "node_id": "U",
        "avatar_url": base,
        "gravatar_id": "",
        "url": base,
        "html_url": base,
        **{f"{name}_url": base for name in urls},
        "type": "Bot",
        "site_admin": False,
    }


@dataclass
class Failure:
    """An answer that is given instead of the right one, so many times."""

    method: str
    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | str = field(default_factory=lambda: {"message": "no", "documentation_url": "https://docs"})
    done: bool = False
    """Whether the work is done before the answer gets lost."""


@dataclass
class GitHub:
    """State of one repository, and what was asked."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    sarifs: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def comment(self, body: str, author: str = BOT) -> dict[str, Any]:
        number = len(self.comments) + 1
        made = {
            "id": number,
            "node_id": "C",
            "url": f"{self.url}/repos/acme/shop/issues/comments/{number}",
            "body": body,
            "html_url": f"https://github.com/acme/shop/pull/7#issuecomment-{number}",
            "user": user(author),
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "issue_url": f"{self.url}/repos/acme/shop/issues/7",
            "author_association": "NONE",
        }
        self.comments.append(made)
        return made

    def reply(self, request: Request) -> Reply:
        method, path = request.method, request.path
        sent = json.loads(request.data) if request.data else None
        self.asked.append(f"{method} {path}")
        if path == "/graphql":
            return _json(200, {"data": {"viewer": {"login": BOT}}}, {})
        if request.headers.get("Authorization") != "token secret-token":
            self.wrong.append(f"{path}: no token")
        known = operation(method, path)
        if known is None:
            self.wrong.append(f"GitHub does not describe {method} {path}")
            return _json(404, {"message": "Not Found"}, {})
        body = known.get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            self.wrong += check(f"request {method} {path}", sent, body["schema"])
        for failure in self.failures:
            if failure.times and failure.method == method and re.search(failure.path, path):
                failure.times -= 1
                if failure.done:
                    self.answer(method, path, request.query, sent)
                return _json(failure.status, failure.body, failure.headers)
        status, value, headers = self.answer(method, path, request.query, sent)
        response = known["responses"].get(str(status), {})
        if "$ref" not in response:
            schema = response.get("content", {}).get("application/json", {}).get("schema")
            self.wrong += check(f"answer {method} {path}", value, schema) if schema else []
        return _json(status, value, headers)

    def answer(self, method: str, path: str, query: dict[str, list[str]], sent: Any) -> tuple[int, Any, dict[str, str]]:
        comments = r"/repos/acme/shop/issues/7/comments"
        if method == "GET" and path == comments:
            page, size = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["30"])[0])
            shown = self.comments[(page - 1) * size : page * size]
            more = f'<{self.url}{path}?page={page + 1}&per_page={size}>; rel="next"'
            return 200, shown, {"Link": more} if page * size < len(self.comments) else {}
        if method == "POST" and path == comments:
            return 201, self.comment(sent["body"]), {}
        if found := re.fullmatch(r"/repos/acme/shop/issues/comments/(\d+)", path):
            one = next(item for item in self.comments if item["id"] == int(found[1]))
            if method == "DELETE":
                self.comments.remove(one)
                return 204, None, {}
            one["body"] = sent["body"]
            return 200, one, {}
        if path == "/repos/acme/shop/issues/7/labels":
            self.labels += [name for name in (sent or {"labels": []})["labels"] if name not in self.labels]
            return 200, [self.label(name) for name in self.labels], {}
        if found := re.fullmatch(r"/repos/acme/shop/issues/7/labels/(.+)", path):
            self.labels.remove(unquote(found[1]))
            return 200, [self.label(name) for name in self.labels], {}
        if found := re.fullmatch(r"/repos/acme/shop/check-runs(?:/(\d+))?", path):
            self.checks.append(sent)
            return (200 if found[1] else 201), self.check(sent), {}
        if path == "/repos/acme/shop/code-scanning/sarifs":
            self.sarifs.append(sent)
            return 202, {"id": "47177e22-5596-11eb-80a1-c1e54ef945c6", "url": f"{self.url}{path}/1"}, {}
        if path.startswith("/repos/acme/shop/commits/"):
            return 200, self.pulls, {}
        return 404, {"message": "Not Found", "documentation_url": "https://docs"}, {}

    def label(self, name: str) -> dict[str, Any]:
        return {
            "id": 1,
            "node_id": "L",
            "url": f"{self.url}/labels/{name}",
            "name": name,
            "description": None,
            "color": "ededed",
            "default": False,
        }

    def check(self, sent: dict[str, Any]) -> dict[str, Any]:
        output = {"title": "t", "summary": "s", "text": None, "annotations_count": 0, "annotations_url": self.url}
        return {
            "id": 5,
            "node_id": "K",
            "external_id": "x",
            "head_sha": "009b8a3a9ccbb128af87f9b1c0f4c62e8a304f6d",
            "url": f"{self.url}/repos/acme/shop/check-runs/5",
            "html_url": "https://github.com/acme/shop/runs/5",
            "details_url": None,
            "status": "completed",
            "conclusion": "success",
            "started_at": "2026-01-01T00:00:00Z",
            "completed_at": "2026-01-01T00:00:00Z",
            "output": output,
            "name": "kfm-ci",
            "check_suite": {"id": 1},
            "app": None,
            "pull_requests": [],
        }


def operation(method: str, path: str) -> dict[str, Any] | None:
    for template, methods in ROOT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return methods.get(method.lower())
    return None


def check(where: str, value: Any, schema: Any) -> list[str]:
    validator = jsonschema.Draft7Validator({**schema, "components": ROOT["components"]})
    return [f"{where}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


@contextmanager
def running(address: str = "127.0.0.1") -> Iterator[GitHub]:
    """Serve; whatever was asked or answered against the description is in ``wrong``."""
    state = GitHub()
    with served(state.reply, address) as state.url:
        yield state


def _json(status: int, value: Any, headers: dict[str, str]) -> Reply:
    data = b"" if value is None else (value if isinstance(value, str) else json.dumps(value)).encode()
    return Reply(status=status, data=data, headers={"Content-Type": "application/json", **headers})
