"""Callers: many connections, plain and streamed calls in turn, each answer taken only when whole."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit


class Calls:
    """Calls until stopped and at least `count` were made, at no more than `rate` a second in all."""

    def __init__(self, gateways, key, model, count, rate, callers=16):
        self.key, self.model, self.count = key, model, count
        self.gap = callers / rate
        self.lock = threading.Lock()
        self.made, self.stopping = 0, False
        # Request ids of whole answers, and how the others ended.
        self.answered, self.twice, self.others = {}, [], {}
        self.threads = [
            threading.Thread(target=self.caller, args=(n, gateways[n % len(gateways)]))
            for n in range(callers)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def finish(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()

    def next(self):
        with self.lock:
            if self.stopping and self.made >= self.count:
                return None
            self.made += 1
            return self.made

    def note(self, ending):
        with self.lock:
            self.others[ending] = self.others.get(ending, 0) + 1

    def caller(self, n, gateway):
        host = urlsplit(gateway).netloc
        connection = http.client.HTTPConnection(host, timeout=30)
        # Spread over one gap, so that the callers do not march in step.
        time.sleep(self.gap * n / len(self.threads))
        while (nth := self.next()) is not None:
            began = time.monotonic()
            try:
                self.one(connection, nth)
            except (OSError, http.client.HTTPException) as error:
                self.note(type(error).__name__)
                connection.close()
                time.sleep(0.05)
            time.sleep(max(0.0, self.gap - (time.monotonic() - began)))
        connection.close()

    def one(self, connection, nth):
        """One call; what it asks for differs from call to call, so that no two cost the same."""
        stream = nth % 3 == 0
        switches = (f"tokens={5 + nth % 40} cached_tokens={nth % 4} reasoning_tokens={nth % 7} "
                    f"latency_ms={nth % 5 * 10} chunks=5 chunk_delay_ms={nth % 6 * 4}")
        body = {"model": self.model, "messages": [
            {"role": "user", "content": f"Call {nth}. {'x ' * (nth % 30)}[[sim {switches}]]"}]}
        if stream:
            body["stream"] = True
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {
            "authorization": "Bearer " + self.key, "content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        request_id = answer.headers.get("x-request-id")
        whole = text.endswith(b"data: [DONE]\n\n") if stream else b'"choices"' in text
        if answer.status != 200:
            code = (json.loads(text).get("error") or {}).get("code") if text.startswith(b"{") else None
            self.note(f"{answer.status} {code}")
        elif not whole:
            self.note("cut")
        else:
            with self.lock:
                if request_id in self.answered:
                    self.twice.append(request_id)
                self.answered[request_id] = nth
