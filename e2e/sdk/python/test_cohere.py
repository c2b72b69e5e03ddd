"""Cohere's SDK for Python, unchanged, against the gateway: rerank and embeddings, which callers
reach in Cohere's form. (Its chat is spoken to providers, and has no surface for callers.)"""

import sys

import cohere
import cohere.errors

from stack import CHAT, EMBEDDING, GATEWAY, KEYS, Tests, equal, http, raises

DOCUMENTS = ["Oslo is cold.", "The weather in Paris is mild.", "Tollgate meters calls."]


def client(key="good"):
    return cohere.ClientV2(api_key=KEYS.get(key, key), base_url=GATEWAY, timeout=20, max_retries=0)


def serves(path):
    headers = {"authorization": "Bearer " + KEYS["good"]}
    _, answered, _ = http("POST", GATEWAY + path, {}, headers)
    return answered["x-tollgate-error-code"] != "route.unknown"


def rerank():
    answer = client().rerank(model="sim-rerank", query="weather in Paris", documents=DOCUMENTS,
                             top_n=2)
    equal([result.index for result in answer.results][0], 1)
    equal(len(answer.results), 2)
    scores = [result.relevance_score for result in answer.results]
    equal(scores, sorted(scores, reverse=True))


def rerank_refusals():
    ask = lambda key, model: client(key).rerank(model=model, query="q", documents=DOCUMENTS)
    equal(raises(cohere.errors.UnauthorizedError, lambda: ask("revoked", "sim-rerank")).status_code, 401)
    equal(raises(cohere.errors.NotFoundError, lambda: ask("good", "no-such-model")).status_code, 404)
    equal(raises(cohere.errors.ForbiddenError, lambda: ask("unsubscribed", "sim-rerank")).status_code, 403)


def embed():
    answer = client().embed(model=EMBEDDING, texts=["one", "two"], input_type="search_document",
                            embedding_types=["float"], output_dimension=16)
    equal([len(vector) for vector in answer.embeddings.float_], [16, 16])


def main():
    t = Tests()
    for path, checks in [
        ("/v2/rerank", [("documents are ranked, the best first", rerank),
                        ("refusals raise its own exceptions", rerank_refusals)]),
        ("/v2/embed", [("embeddings come as vectors", embed)]),
    ]:
        if not serves(path):
            print(f"skipped: the gateway does not serve {path} yet")
            continue
        for name, check in checks:
            t.check(name, check)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
