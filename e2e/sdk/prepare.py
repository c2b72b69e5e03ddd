#!/usr/bin/env python3
"""Makes, through the control API, the keys that the SDK tests call with, and prints them as JSON:
one that works, one revoked, one of an app without a subscription, one at the end of a request
limit, one without money left."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tollgate import Org, demo, http, until


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

    limited = org.app("SDK limited")
    org.limit(limited, metric="requests", window="day", max=1)
    keys["limited"] = org.key(limited)["secret"]

    poor = org.app("SDK poor")
    org.limit(poor, metric="money", window="day", max_usd="0.000000001")
    keys["poor"] = org.key(poor)["secret"]

    # Versions are consecutive: once the gateway knows this key, it knows all of the above.
    keys["good"] = org.key(org.app("SDK tests"))["secret"]
    models = stack["gateway_url"] + "/v1/models"
    bearer = {"authorization": "Bearer " + keys["good"]}
    until("the new key works", lambda: http("GET", models, headers=bearer)[0] == 200)

    listed = [m["id"] for m in json.loads(http("GET", models, headers=bearer)[2])["data"]]
    embedding = next((m for m in listed if "embed" in m), None)
    chat = next((m for m in listed if m.startswith("sim") and m != embedding), None)
    if not embedding or not chat:
        raise SystemExit(f"expected a simulated chat and an embedding model among {listed}")
    print(json.dumps({
        "gateway_url": stack["gateway_url"], "simulator_url": stack["simulator_url"],
        "keys": keys, "chat_model": chat, "embedding_model": embedding,
    }))


if __name__ == "__main__":
    main()
