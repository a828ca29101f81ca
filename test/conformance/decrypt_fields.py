"""Decrypts texts with docs/partner/decrypt.py. Standard input: {"keys": [...], "texts": [...]}; prints for each text
{"value": ...}, or {"error": the exception's name}.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "partner"))

from decrypt import decrypt_field  # noqa: E402

order = json.load(sys.stdin)
answers = []
for text in order["texts"]:
    try:
        answers.append({"value": decrypt_field(order["keys"], text)})
    except Exception as error:
        answers.append({"error": type(error).__name__})
print(json.dumps(answers))
