"""Tells for each of a list of operations, as JSON text, what Polyaxon's parser says of it."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
from polyaxon._polyaxonfile.specs import OperationSpecification  # noqa: E402


def verdict(text):
    try:
        OperationSpecification.compile_operation(OperationSpecification.read(text))
        return ""
    except Exception as e:  # whatever it raises, the server answers 400
        return f"{type(e).__name__}: {e}"[:400] or "refused"


print(json.dumps([verdict(text) for text in json.load(sys.stdin)]))
