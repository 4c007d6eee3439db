"""Receives Docket's webhooks, checks their signatures, and prints the events. Nothing but the standard library.

    python receive_webhook.py secret 8099
    docket webhook add http://127.0.0.1:8099/ --secret-file secret     # workers: DOCKET_WEBHOOK_NETWORKS=127.0.0.0/8
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

secret = base64.b64decode(Path(sys.argv[1]).read_text().strip().removeprefix("whsec_"))
# A receiver that keeps what it has seen needs this where it keeps that: an event may come twice.
seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 1_000_000))
        event_id = self.headers.get("webhook-id", "")
        timestamp = self.headers.get("webhook-timestamp", "0")
        signed = f"{event_id}.{timestamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        given = self.headers.get("webhook-signature", "").split(" ")
        genuine = any(hmac.compare_digest(expected, signature) for signature in given)
        if not genuine or not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
            self.send_response(401)
            self.end_headers()
            return
        if event_id not in seen:
            seen.add(event_id)
            event = json.loads(body)
            print(event["type"], event.get("subject"), event["data"]["fileName"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
