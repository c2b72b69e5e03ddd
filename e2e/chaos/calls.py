"""Callers: many connections, plain and streamed calls in turn, each answer taken only when whole."""

import http.client
import json
import threading
import time
from collections import Counter
from urllib.parse import urlsplit


class Ask:
    """One call: what it asks for, and when its caller hangs up (never, or after so many bytes of the
    answer, or so many seconds without one)."""

    def __init__(self, key, switches, stream=False, hang_up=None, words=0):
        self.key, self.switches, self.stream, self.hang_up, self.words = key, switches, stream, hang_up, words


def in_turn(key):
    """Calls of which no two cost the same."""
    def ask(nth):
        return Ask(key, f"tokens={5 + nth % 40} cached_tokens={nth % 4} reasoning_tokens={nth % 7} "
                        f"latency_ms={nth % 5 * 10} chunks=5 chunk_delay_ms={nth % 6 * 4}",
                   stream=nth % 3 == 0, words=nth % 30)
    return ask


class Calls:
    """Calls until stopped and at least `count` were made, at no more than `rate` a second in all. What
    is asked comes from `plan`, by the number of the call. A caller that finds its gateway gone goes to
    the next."""

    def __init__(self, gateways, model, plan, count, rate, callers=16):
        self.gateways = [urlsplit(gateway).netloc for gateway in gateways]
        self.model, self.plan, self.count = model, plan, count
        self.gap = callers / rate
        self.lock = threading.Lock()
        self.made, self.stopping = 0, False
        # Request ids of whole answers, and how the others ended.
        self.answered, self.twice, self.others = {}, [], Counter()
        self.threads = [threading.Thread(target=self.caller, args=(n,)) for n in range(callers)]

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
            return self.made, self.plan(self.made)

    def note(self, ending):
        with self.lock:
            self.others[ending] += 1

    def caller(self, n):
        host, connection = n, None
        # Spread over one gap, so that the callers do not march in step.
        time.sleep(self.gap * n / len(self.threads))
        while (call := self.next()) is not None:
            began = time.monotonic()
            try:
                if connection is None:
                    address = self.gateways[host % len(self.gateways)]
                    connection = http.client.HTTPConnection(address, timeout=60)
                if not self.one(connection, *call):
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.note(type(error).__name__)
                if connection is not None:
                    connection.close()
                connection, host = None, host + 1
                time.sleep(0.05)
            time.sleep(max(0.0, self.gap - (time.monotonic() - began)))
        if connection is not None:
            connection.close()

    def one(self, connection, nth, ask):
        """Makes one call; whether its connection can be used again."""
        body = {"model": self.model, "max_tokens": 64, "messages": [
            {"role": "user", "content": f"Call {nth}. {'x ' * ask.words}[[sim {ask.switches}]]"}]}
        if ask.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {
            "authorization": "Bearer " + ask.key, "content-type": "application/json"})
        if ask.hang_up and "seconds" in ask.hang_up:
            time.sleep(ask.hang_up["seconds"])
            self.note("hung up before the answer")
            return False
        answer = connection.getresponse()
        if ask.hang_up and answer.status == 200:
            answer.read(ask.hang_up["bytes"])
            self.note("hung up within the answer")
            return False
        text = answer.read()
        request_id = answer.headers.get("x-request-id")
        whole = text.endswith(b"data: [DONE]\n\n") if ask.stream else b'"choices"' in text
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
        return True
