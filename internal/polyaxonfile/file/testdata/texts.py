"""Reads each of a list of texts as Polyaxon reads a Polyaxonfile, and gives it as JSON, or null when it is refused."""
import datetime
import json
import sys

import yaml


def plain(value):
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return [[json.loads(json.dumps({key if not isinstance(key, (datetime.date, datetime.datetime)) else plain(key): 1})), plain(v)] for key, v in value.items()]
    if isinstance(value, list):
        return {"list": [plain(v) for v in value]}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    raise ValueError("no JSON")


def read(text):
    try:
        value = yaml.safe_load(text)
        return json.dumps(plain(value), allow_nan=False) if isinstance(value, dict) else None
    except Exception:
        return None


print(json.dumps([read(text) for text in json.load(sys.stdin)]))
