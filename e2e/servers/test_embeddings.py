"""A real model for embeddings, all-MiniLM-L6-v2 on llama.cpp's server: the gateway gives the
vectors that the server gives, to every SDK, and they mean something."""

import json
import sys

import openai
from google import genai
from google.genai import types

from offer import Offer, billed
from servers import EMBEDDING, Llama
from tollgate import Tests, http

TEXTS = ["A man is playing a guitar on the stage.", "Someone performs on stage with a guitar.",
         "The stock market fell sharply on Tuesday."]
# The server computes a batch together: sums differ in their last bits from those of another batch.
CLOSE = 1e-4


def cosine(a, b):
    length = lambda v: sum(x * x for x in v) ** 0.5
    return sum(x * y for x, y in zip(a, b)) / (length(a) * length(b))


class Embeddings:
    def __init__(self, server):
        self.server, self.offer = server, Offer("embeddings")
        provider = self.offer.provider("llama", server.url + "/v1", "llama_cpp")
        self.model = self.offer.model("minilm", "minilm", [provider], "embedding")
        self.offer.open()
        self.openai = openai.OpenAI(base_url=self.offer.gateway + "/v1", api_key=self.offer.key,
                                    max_retries=0)
        self.gemini = genai.Client(api_key=self.offer.key,
                                   http_options=types.HttpOptions(base_url=self.offer.gateway))

    def direct(self, texts):
        """What the server says when it is asked without the gateway."""
        body = {"model": "minilm", "input": texts}
        status, _, text = http("POST", self.server.url + "/v1/embeddings", body)
        assert status == 200, text
        answer = json.loads(text)
        return [row["embedding"] for row in answer["data"]], answer["usage"]["prompt_tokens"]


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def close(got, wanted):
    equal([len(v) for v in got], [len(v) for v in wanted])
    worst = max(abs(x - y) for a, b in zip(got, wanted) for x, y in zip(a, b))
    assert worst < CLOSE, f"numbers differ by {worst}"
    return f"{len(got[0])} numbers, differing by at most {worst:.1e}"


def openai_vectors(s):
    # The SDK asks for base64 and decodes it; asked for as floats they come as numbers.
    wanted, tokens = s.direct(TEXTS)
    packed = s.openai.embeddings.with_raw_response.create(model=s.model, input=TEXTS)
    plain = s.openai.embeddings.create(model=s.model, input=TEXTS, encoding_format="float")
    answer = packed.parse()
    equal((answer.usage.prompt_tokens, plain.usage.prompt_tokens), (tokens, tokens))
    equal(billed(s.offer.event(packed.headers["x-request-id"]))["input"], tokens)
    close([row.embedding for row in plain.data], wanted)
    return close([row.embedding for row in answer.data], wanted)


def gemini_vectors(s):
    wanted, _ = s.direct(TEXTS)
    answer = s.gemini.models.embed_content(model=s.model, contents=TEXTS)
    return close([row.values for row in answer.embeddings], wanted)


def meaning(s):
    rows = s.openai.embeddings.create(model=s.model, input=TEXTS).data
    first, again, other = (row.embedding for row in rows)
    alike, unlike = cosine(first, again), cosine(first, other)
    assert alike > 0.7 > 0.3 > unlike, (alike, unlike)
    return f"{alike:.3f} against {unlike:.3f}"


def too_long(s):
    # More than the 512 tokens that the model reads.
    try:
        s.openai.embeddings.create(model=s.model, input="guitar " * 3000)
    except openai.BadRequestError as error:
        return error.message
    raise AssertionError("nothing was raised, wanted BadRequestError")


def not_a_chat(s):
    try:
        s.openai.chat.completions.create(model=s.model, messages=[{"role": "user", "content": "a"}])
    except openai.BadRequestError as error:
        equal(error.code, "model.operation")
        return
    raise AssertionError("nothing was raised, wanted BadRequestError")


def main():
    t = Tests()
    with Llama("llama-embeddings", EMBEDDING, "minilm", "embedding") as server:
        s = Embeddings(server)
        t.check("OpenAI's SDK gets the server's own vectors, billed by the server's own count",
                lambda: openai_vectors(s))
        t.check("Google's SDK gets the same vectors", lambda: gemini_vectors(s))
        t.check("a paraphrase is nearer than an unrelated sentence", lambda: meaning(s))
        t.check("a text beyond its context raises BadRequestError", lambda: too_long(s))
        t.check("a chat with it is refused as the wrong operation", lambda: not_a_chat(s))
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
