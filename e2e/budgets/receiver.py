"""A receiver of webhooks: takes every message, and tells which of them were signed rightly."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time


class Receiver:
    def __init__(self):
        self.got = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def messages(self, kind, secret):
        """Of this kind, each once by its id; raises where a signature is not ours."""
        found = {}
        for headers, body in list(self.got):
            headers = {name.lower(): value for name, value in headers.items()}
            message = json.loads(body)
            if message["type"] == kind:
                assert is_ours(secret, headers, body), f"signed wrongly: {headers}"
                found[headers["webhook-id"]] = message["data"]
        return list(found.values())


def is_ours(secret, headers, body):
    """As the portal's page on webhooks shows it."""
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = f'{headers["webhook-id"]}.{stamp}.'.encode() + body
    made = "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(made, one) for one in headers["webhook-signature"].split())
