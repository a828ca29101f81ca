import base64
import json
from collections.abc import Sequence
from typing import Any

from joserfc import jwe
from joserfc.jwk import KeySet, OctKey


def decrypt_field(keys: Sequence[str], text: str) -> Any:
    """The value of an encrypted field, of any type. `keys`: as we gave them, one, or the old and the new one."""
    # A KeySet names each key by its RFC 7638 thumbprint and finds the one that the text's `kid` names.
    key_set = KeySet([OctKey.import_key(base64.b64decode(key)) for key in keys])
    return json.loads(jwe.decrypt_compact(text, key_set, algorithms=["dir", "A256GCM"]).plaintext)
