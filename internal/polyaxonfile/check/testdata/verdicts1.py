"""The same as verdicts.py, for Polyaxon 1.11.3."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import yaml  # noqa: E402
from marshmallow import ValidationError  # noqa: E402
from polyaxon.polyaxonfile import OperationSpecification  # noqa: E402


def verdict(text):
    try:
        operation = OperationSpecification.read(yaml.safe_load(text))
        OperationSpecification.compile_operation(OperationSpecification.read(json.loads(operation.to_dict(dump=True))))
        return ""
    except Exception as e:  # whatever it raises, the server answers 400
        while e.__cause__:
            e = e.__cause__
        return f"{type(e).__name__}: {e.messages if isinstance(e, ValidationError) else e}"[:400] or "refused"


print(json.dumps([verdict(text) for text in json.load(sys.stdin)]))
