"""Reads, composes and compiles Polyaxonfiles as Polyaxon does: JSON in, JSON out.

A case has files (the Polyaxonfile, then presets), params as their texts, and strict.
An answer has valid, error and the subjects of it, and when valid op (what is submitted), compiled and, where
the operation runs itself, resolved.
"""

import datetime
import json
import os
import sys
import tempfile

from polyaxon import settings
from polyaxon._compiler.resolver import resolver
from polyaxon._k8s.executor.executor import Executor
from polyaxon._schemas.agent import AgentConfig
from polyaxon.polyaxonfile import OperationSpecification, check_polyaxonfile
from pydantic import ValidationError
from userpods import user_pods

UUID = "0" * 31 + "1"
CREATED = datetime.datetime(2026, 11, 23, 12, 30, 15, tzinfo=datetime.timezone.utc)


def resolve(compiled, params):
    return resolver.resolve(
        owner_name="default",
        project_name="p",
        project_uuid="p",
        run_name=compiled.name or "n",
        run_uuid=UUID,
        run_path=UUID,
        compiled_operation=compiled,
        params=params,
        created_at=CREATED,
        compiled_at=CREATED,
    )[1]


def pods(resolved):
    try:
        resource = Executor.convert(
            owner_name="default", project_name="p", run_name="n", run_uuid=UUID, content=resolved.to_json(), default_auth=False
        )
        return user_pods(resource)
    except Exception as e:
        return {"error": "%s: %s" % (type(e).__name__, e)}


def subjects(e):
    """Gives what a refusal is about: the keys that lead there, and the kind of mistake."""
    if isinstance(e, ValidationError):
        return [{"path": [str(key) for key in x["loc"]], "kind": x["type"], "message": x["msg"]} for x in e.errors()]
    return [{"message": str(e)}]


def answer(case, directory):
    paths = []
    for i, text in enumerate(case["files"]):
        paths.append(os.path.join(directory, "%d.yml" % i))
        with open(paths[-1], "w", encoding="utf-8") as f:
            f.write(text)
    result = {}
    try:
        operation = check_polyaxonfile(
            polyaxonfile=paths,
            params=case.get("params"),
            strict_params=case.get("strict"),
            is_cli=False,
            to_op=True,
            validate_params=True,
        )
        result["op"] = json.loads(operation.to_json())
        compiled, params = OperationSpecification.compile_operation_with_params(operation)
        result["compiled"] = json.loads(compiled.to_json())
        if not compiled.matrix and not compiled.schedule:
            resolved = resolve(compiled, params)
            result["resolved"] = json.loads(resolved.to_json())
            result["pods"] = pods(resolved)
        result["valid"] = True
    except Exception as e:
        while e.__cause__:
            e = e.__cause__
        return {"valid": False, "error": "%s: %s" % (type(e).__name__, e), "subjects": subjects(e)}
    return result


question = json.load(sys.stdin)
settings.AGENT_CONFIG = AgentConfig.from_dict(question["agent"])
sys.stdout, output = sys.stderr, sys.stdout  # Polyaxon prints warnings
answers = []
for case in question["cases"]:
    with tempfile.TemporaryDirectory() as directory:
        answers.append(answer(case, directory))
json.dump(answers, output)
