"""The same as oracle.py, for Polyaxon 1.11.3."""

import datetime
import json
import os
import sys
import tempfile
from collections import defaultdict

from marshmallow import ValidationError
from polyaxon import settings
from polyaxon.polyaxonfile import OperationSpecification, check_polyaxonfile
from polyaxon.polypod.compiler.converter import convert
from polyaxon.polypod.compiler.resolver import resolver
from polyaxon.schemas.cli.agent_config import AgentConfig
from userpods import user_pods, without_made_up_names

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
    )


def pods(r, compiled):
    return user_pods(
        convert(
            namespace=r.namespace,
            owner_name="default",
            project_name="p",
            run_name="n",
            run_uuid=UUID,
            run_path=UUID,
            compiled_operation=compiled,
            artifacts_store=r.artifacts_store,
            connection_by_names=r.connection_by_names,
            secrets=r.secrets,
            config_maps=r.config_maps,
            polyaxon_sidecar=r.polyaxon_sidecar,
            polyaxon_init=r.polyaxon_init,
        )
    )


def plain(compiled):
    return without_made_up_names(json.loads(compiled.to_dict(dump=True)))


def finite(value):
    """Gives a value as JSON has it, which knows neither NaN nor an endless number."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and value - value != 0 else value


def cause(e):
    while e.__cause__:
        e = e.__cause__
    return e


def refusal(e):
    e = cause(e)
    return "%s: %s" % (type(e).__name__, e.messages if isinstance(e, ValidationError) else e)


def subjects(messages, path=()):
    """Gives what a refusal is about: the keys that lead there."""
    if isinstance(messages, defaultdict):  # of a mapping of anything: an error of a key, or of its value
        return [s for k, v in messages.items() for x in v.values() for s in subjects(x, path + (str(k),))]
    if isinstance(messages, dict):
        return [s for k, v in messages.items() for s in subjects(v, path if k == "_schema" else path + (str(k),))]
    if isinstance(messages, list):
        return [s for v in messages for s in subjects(v, path)]
    return [{"path": path, "message": str(messages)}]


def answer(case, directory):
    paths = []
    for i, text in enumerate(case["files"]):
        paths.append(os.path.join(directory, "%d.yml" % i))
        with open(paths[-1], "w", encoding="utf-8") as f:
            f.write(text)
    result = {}
    try:
        operation = check_polyaxonfile(polyaxonfile=paths, params=case.get("params"), is_cli=False, to_op=True, validate_params=True)
        params = {k: p.to_dict() for k, p in (operation.params or {}).items()}
        # A server gets the operation as JSON.
        operation = OperationSpecification.read(json.loads(operation.to_dict(dump=True)))
        compiled = OperationSpecification.compile_operation(operation)
        result["compiled"] = plain(compiled)
        if not compiled.has_pipeline:
            run, resolved = resolve(compiled, params)
            result["resolved"] = plain(resolved)
            try:
                result["pods"] = pods(run, resolved)
            except Exception as e:
                result["pods"] = {"error": refusal(e)}
        result["valid"] = True
    except Exception as e:
        e = cause(e)
        return {"valid": False, "error": refusal(e), "subjects": subjects(e.messages if isinstance(e, ValidationError) else str(e))}
    return result


question = json.load(sys.stdin)
agent = question["agent"]
settings.AGENT_CONFIG = AgentConfig.from_dict(
    {
        "POLYAXON_K8S_NAMESPACE": agent["namespace"],
        "POLYAXON_AGENT_ARTIFACTS_STORE": agent["artifactsStore"],
        "POLYAXON_AGENT_CONNECTIONS": agent["connections"],
    }
)
sys.stdout, output = sys.stderr, sys.stdout  # Polyaxon prints warnings
answers = []
for case in question["cases"]:
    with tempfile.TemporaryDirectory() as directory:
        answers.append(answer(case, directory))
json.dump(finite(answers), output)
