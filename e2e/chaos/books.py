"""What was used and what was billed: the simulator's count, the price, the ledger."""

import base64
import json
import os
import subprocess
import uuid

from tollgate import ROOT, VAR, http, nanos


def settings():
    """What the stack's programs run with."""
    found = {}
    with open(os.path.join(VAR, "stack.env")) as f:
        for line in f:
            name, _, value = line.strip().partition("=")
            found[name] = value.strip("'")
    return found


def stack(*words):
    """One command of the launcher, such as `kill gateway`."""
    done = subprocess.run([os.path.join(ROOT, "infra", "stack"), *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"stack {' '.join(words)}: {done.stdout}{done.stderr}")


def rates(api_url, org, app, model):
    """Nano-dollars per million tokens of each class, and per call, for this app on its plan."""
    for subscription in org.api.all(f"{org.path}/subscriptions?app={app['id']}"):
        if subscription["state"] != "active":
            continue
        product = org.api.get(f"{org.path}/catalog/{subscription['product_slug']}")
        listed = next((m["price"] for m in product["models"] if m["name"] == model), None)
        if listed is None:
            continue
        plan = next(p for p in product["plans"] if p["id"] == subscription["plan_id"])
        price = next((p["price"] for p in plan["prices"] if p["model_name"] == model), listed)
        return {
            "input": nanos(price["input_usd"]), "output": nanos(price["output_usd"]),
            "cached_input": nanos(price.get("cached_input_usd") or price["input_usd"]),
            "reasoning": nanos(price.get("reasoning_usd") or price["output_usd"]),
            "call": nanos(price["per_call_usd"]),
        }
    raise RuntimeError(f"no subscription of {app['name']} has {model}")


def counted(simulator_url):
    """The simulator's count, by request id."""
    status, _, text = http("GET", simulator_url + "/_sim/requests", timeout=60)
    if status != 200:
        raise RuntimeError(f"the simulator: {status}")
    return {row["request_id"]: row for row in json.loads(text)}


def request_id(text):
    """`req_…` of a uuid."""
    return "req_" + base64.b32hexencode(uuid.UUID(text).bytes).decode().rstrip("=").lower()


def uuid_of(text):
    """The uuid of `app_…` and its like."""
    return uuid.UUID(bytes=base64.b32hexdecode(text.split("_")[1].upper() + "======"))


def rows(database_url, query):
    """What a query of the platform's own tables finds, as lists of text."""
    done = subprocess.run(["psql", database_url, "-v", "ON_ERROR_STOP=1", "-Atq", "-c",
                           f"set role app_system; {query}"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [line.split("|") for line in done.stdout.splitlines()]


def ledger(database_url, app_id):
    """The bookings of an app's calls: a list of (request id, nano-dollars), straight from the
    tables, so that a call billed twice would show twice."""
    found = rows(database_url, f"""
        select t.request_id, sum(e.amount_nanos) filter (where e.amount_nanos > 0)
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        join usage_events u on u.request_id = t.request_id
        where u.app_id = '{uuid_of(app_id)}' group by t.id, t.request_id""")
    return [(request_id(row[0]), int(row[1])) for row in found]
