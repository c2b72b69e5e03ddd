#!/usr/bin/env python3
"""Makes, through the control API, the keys that the SDK tests call with, and prints them as JSON:
one that works, one revoked, one of an app without a subscription, one without money left, and for
each suite (named by the arguments) one at the end of a request limit."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tollgate import Org, demo, http, until

# A simulated model behind each dialect that providers speak.
MODELS = ["sim-small", "sim-responses", "sim-anthropic", "sim-gemini", "sim-bedrock",
          "sim-cohere", "sim-watsonx", "sim-ollama"]


def main():
    stack = demo()
    org = Org(stack)
    keys = {}

    revoked = org.key(org.app("SDK revoked"))
    org.revoke(revoked)
    keys["revoked"] = revoked["secret"]

    lone = org.app("SDK unsubscribed")
    for subscription in org.api.all(f"{org.path}/subscriptions?app={lone['id']}"):
        org.api.post(f"{org.path}/subscriptions/{subscription['id']}/cancel")
    keys["unsubscribed"] = org.key(lone)["secret"]

    poor = org.app("SDK poor")
    org.limit(poor, metric="money", window="day", max_usd="0.000000001")
    keys["poor"] = org.key(poor)["secret"]

    limited = {}
    for suite in sys.argv[1:]:
        app = org.app(f"SDK limited {suite}")
        org.limit(app, metric="requests", window="day", max=1)
        limited[suite] = org.key(app)["secret"]

    # Versions are consecutive: once the gateway knows this key, it knows all of the above.
    good = org.busy_app("SDK tests")
    org.subscribe(good, "simulated-dialects", "pro")
    org.subscribe(good, "simulated-media", "pro")
    keys["good"] = org.key(good)["secret"]
    gateway = stack["gateway_url"]
    bearer = {"authorization": "Bearer " + keys["good"]}
    until("the new key works",
          lambda: http("GET", gateway + "/v1/models", headers=bearer)[0] == 200)

    listed = [m["id"] for m in json.loads(http("GET", gateway + "/v1/models", headers=bearer)[2])["data"]]
    missing = [name for name in [*MODELS, "sim-embed"] if name not in listed]
    if missing:
        raise SystemExit(f"expected {missing} among {listed}")
    print(json.dumps({
        "gateway_url": gateway, "simulator_url": stack["simulator_url"],
        "keys": keys, "limited": limited,
        "chat_model": "sim-small", "embedding_model": "sim-embed",
        "models": [model for model in MODELS if spoken(gateway, bearer, model)],
    }))


def spoken(gateway, bearer, model):
    """Whether the gateway speaks the dialect of the model's provider by now."""
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    status, headers, text = http("POST", gateway + "/v1/chat/completions", body, bearer)
    # Nothing else keeps a fresh stack's only deployment from being called.
    if headers["x-tollgate-error-code"] in ("model.operation", "upstream.none"):
        print(f"not yet spoken by the gateway: {model}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    main()
