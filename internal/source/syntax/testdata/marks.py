"""Gives where PyYAML finds the first mistake in each of a list of texts, as [line, column] from 1, or null where it finds none."""
import json
import sys

import yaml


def mark(text):
    try:
        loader = yaml.SafeLoader(text)
        loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        return [at.line + 1, at.column + 1]
    return None


print(json.dumps([mark(text) for text in json.load(sys.stdin)]))
