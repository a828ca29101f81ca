"""Serves docs/partner/receiver.py on a free port, until standard input ends. Prints the port, then a line of JSON for
each webhook that it is given to keep. The signing secrets are the arguments.
"""

import json
import sys
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "partner"))

from receiver import receiver  # noqa: E402


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def keep(webhook_id: str, payload: dict) -> None:
    if payload.get("fail") is True:
        raise OSError("no room to keep it")
    print(json.dumps({"id": webhook_id, "payload": payload}), flush=True)


server = make_server("127.0.0.1", 0, receiver(sys.argv[1:], keep), handler_class=QuietHandler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
server.shutdown()
