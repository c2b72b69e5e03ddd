"""Real servers that die: whoever listens is told, and calls go on where another server has the
model."""

import sys
import threading
import time

import anthropic
import openai

from offer import Offer
from servers import CHAT, Llama
from tollgate import Tests, until

HELLO = [{"role": "user", "content": "hello world"}]
LONG = 3500


class Faults:
    def __init__(self):
        self.offer = Offer("faults")

    def serve(self, servers):
        """Offers one model on a server of its own, and one on two."""
        lone, first, second = (
            self.offer.provider(server.name, server.url + "/v1", "llama_cpp") for server in servers)
        self.lone = self.offer.model("lone", "tiny-chat", [lone])
        self.twin = self.offer.model("twin", "tiny-chat", [first, second])
        self.offer.open()
        self.openai = openai.OpenAI(base_url=self.offer.gateway + "/v1", api_key=self.offer.key,
                                    max_retries=0, timeout=30)
        self.anthropic = anthropic.Anthropic(base_url=self.offer.gateway, api_key=self.offer.key,
                                             max_retries=0, timeout=30)

    def ask(self, model, **more):
        return self.openai.chat.completions.create(
            **{"model": model, "messages": HELLO, "max_tokens": 5, **more})


def killed_in_stream(s, server):
    """Both SDKs listen when the server dies; neither may take what it has for the whole."""
    stream = s.ask(s.lone, max_tokens=LONG, stream=True)
    request_id = stream.response.headers["x-request-id"]
    told = {}

    def listen_to_anthropic(ready):
        try:
            with s.anthropic.messages.stream(model=s.lone, messages=HELLO, max_tokens=LONG) as other:
                for n, _ in enumerate(other.text_stream):
                    if n == 5:
                        ready.set()
            told["anthropic"] = None
        except anthropic.APIError as error:
            told["anthropic"] = error
        ready.set()

    ready = threading.Event()
    listener = threading.Thread(target=listen_to_anthropic, args=(ready,))
    listener.start()
    chunks = [chunk for _, chunk in zip(range(5), stream)]
    ready.wait(10)
    assert server.busy() == 2, "the streams ended before the server was killed"
    server.kill()
    killed = time.monotonic()
    try:
        chunks += list(stream)
        raise AssertionError(f"the stream ended as if whole after {len(chunks)} chunks")
    except openai.APIError as error:
        told["openai"] = error
    took = time.monotonic() - killed
    assert all(c.choices[0].finish_reason is None for c in chunks if c.choices), "it says it finished"
    listener.join(10)
    assert told["anthropic"] is not None, "Anthropic's stream ended as if whole"
    event = s.offer.event(request_id)
    assert (event["outcome"], event["estimated"]) == ("upstream_cut", True), event
    return (f"{type(told['openai']).__name__} and {type(told['anthropic']).__name__} "
            f"{took * 1000:.0f} ms later")


def gone(s):
    try:
        s.ask(s.lone)
    except openai.InternalServerError as error:
        assert (error.status_code, error.code) == (502, "upstream.failed"), error
        return error.message
    raise AssertionError("nothing was raised, wanted InternalServerError")


def both_serve(s, servers):
    """Calls until both have had one."""
    before = [server.counters()["output"] for server in servers]

    def each():
        s.ask(s.twin)
        return all(server.counters()["output"] > n for server, n in zip(servers, before))

    until("both servers were called", each, 10)


def goes_on(s, dies):
    """One of two is killed while calls run; every call is answered."""
    answers = []
    for n in range(40):
        if n == 10:
            dies.kill()
        began = time.monotonic()
        answer = s.ask(s.twin, stream=n % 2 == 0)
        if n % 2 == 0:
            reasons = [chunk.choices[0].finish_reason for chunk in answer if chunk.choices]
            assert reasons[-1] == "length", reasons
        else:
            assert answer.usage.completion_tokens == 5, answer.usage
        answers.append(time.monotonic() - began)
    return f"40 of 40 answered, the slowest in {max(answers) * 1000:.0f} ms"


def comes_back(s):
    """A server that is back, at another address, is called as soon as the operator says so."""
    with Llama("lone", CHAT, "tiny-chat") as server:
        s.offer.provider("lone", server.url + "/v1", "llama_cpp")

        def answers():
            try:
                return s.ask(s.lone)
            except openai.InternalServerError:
                return None

        _, took = until("the lone model answers", answers, 15, 0.1)
    return f"{took:.1f} s after the change"


def main():
    t, s = Tests(), Faults()
    with Llama("lone", CHAT, "tiny-chat") as lone, Llama("first", CHAT, "tiny-chat") as first, \
            Llama("second", CHAT, "tiny-chat") as second:
        s.serve([lone, first, second])
        t.check("a server killed in mid-stream raises in the SDKs of OpenAI and Anthropic",
                lambda: killed_in_stream(s, lone))
        t.check("a model without a server raises InternalServerError", lambda: gone(s))
        t.check("a server that came back elsewhere is called again", lambda: comes_back(s))
        t.check("a model on two servers is answered by both", lambda: both_serve(s, [first, second]))
        t.check("with one of them killed every call is answered by the other",
                lambda: goes_on(s, first))
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
