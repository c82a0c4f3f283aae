"""Renders templates as Polyaxon does: JSON in, JSON out."""

import json
import sys

from polyaxon._polyaxonfile.specs.libs.engine import render_template

question = json.load(sys.stdin)
answers = []
for template in question["templates"]:
    try:
        answers.append({"text": render_template(template, question["scope"])})
    except Exception as e:
        answers.append({"error": str(e)})
json.dump(answers, sys.stdout)
