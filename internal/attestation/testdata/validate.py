"""Validates SBOMs as pyspdxtools does, and provenances by the schemas of in-toto and SLSA."""

import json
import sys

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement, statement_pb2
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

failed = False
for path in sys.argv[1:]:
    messages = []
    if path.endswith(("-sbom.json", ".spdx.json")):
        messages = [f"{m.context.spdx_id}: {m.validation_message}" for m in validate_full_spdx_document(parse_file(path))]
    else:
        with open(path) as file:
            text = json.load(file)
        try:
            read = json_format.ParseDict(text, statement_pb2.Statement())
            statement.Statement.copy_from_pb(read).validate()
            json_format.ParseDict(text["predicate"], provenance_pb2.Provenance())
        except (ValueError, json_format.ParseError) as error:
            messages = [str(error)]
    for message in messages:
        failed = True
        print(f"{path}: {message}")
sys.exit(failed)
