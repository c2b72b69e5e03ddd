"""What the tests outside need of a running stack: its demo.json, the control API, the simulator's
count. Standard library only. Money is read as integer nano-dollars."""

import json
import os
import secrets
import time
import urllib.error
import urllib.request
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VAR = os.path.join(ROOT, os.environ.get("TOLLGATE_VAR") or "var")
# The tests call this machine's own addresses; a proxy of the environment has no part in it.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def demo():
    """The running stack, as `make up` described it."""
    path = os.path.join(VAR, "demo.json")
    try:
        with open(path) as f:
            return json.load(f)
    except OSError:
        raise SystemExit(f"{path} is not there: bring the stack up first (make up)") from None


def http(method, url, body=None, headers=None, timeout=30):
    """Status, headers and text of one request; an error status is not an exception."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with OPENER.open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def nanos(usd):
    """Nano-dollars of a decimal string of dollars; exact."""
    value = Decimal(usd) * 1_000_000_000
    if value != value.to_integral_value():
        raise ValueError(f"{usd} has more than nine decimals")
    return int(value)


def cost(used, rate):
    """What was used under a price, in nano-dollars per million tokens of each class and per call:
    summed first, rounded once, half up."""
    classes = ("input", "cached_input", "output", "reasoning")
    millionths = sum(used[c] * rate[c] for c in classes) + rate["call"] * 1_000_000
    return (millionths + 500_000) // 1_000_000


class Api:
    """The control API as one signed-in person."""

    def __init__(self, url, email, password):
        self.url, self.cookie = url.rstrip("/"), None
        status, headers, text = http("POST", self.url + "/v1/sign-in",
                                     {"email": email, "password": password})
        if status != 200:
            raise SystemExit(f"signing in as {email}: {status} {text}")
        self.cookie = headers["set-cookie"].split(";")[0]

    def call(self, method, path, body=None, headers=None):
        headers = {"cookie": self.cookie, **(headers or {})}
        if method == "POST":
            headers["idempotency-key"] = secrets.token_hex(16)
        for _ in range(3):
            status, _, text = http(method, self.url + path, body, headers)
            # Says to try again shortly; the key and the version sent make that safe.
            if status != 503:
                break
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text}")
        return json.loads(text) if text else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, {} if body is None else body)

    def change(self, path, before, body):
        """Changes an object that was read as `before`."""
        return self.call("PATCH", path, body, {"if-match": f'"{before["version"]}"'})

    def all(self, path):
        """Every item of a paged list."""
        items, cursor, join = [], None, "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{join}limit=100" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page.get("next")
            if not page["has_more"]:
                return items


class Org:
    """One organisation of the demo, through one of its owners."""

    def __init__(self, stack, number=0):
        org = stack["orgs"][number]
        owner = next(m for m in org["members"] if m["role"] == "owner")
        self.slug = org["slug"]
        self.api = Api(stack["api_url"], owner["email"], owner["password"])
        self.path = f"/v1/orgs/{self.slug}"

    def app(self, name):
        """A new app, its name made unique."""
        name = f"{name} {secrets.token_hex(3)}"
        return self.api.post(self.path + "/apps", {"name": name})

    def busy_app(self, name):
        """A new app that is moved to the plans for programs in use: the plan that a new app gets
        stops at a couple of calls a second, as it should."""
        app = self.app(name)
        for subscription in self.api.all(f"{self.path}/subscriptions?app={app['id']}"):
            product = self.api.get(f"{self.path}/catalog/{subscription['product_slug']}")
            larger = next((p for p in product["plans"] if p["slug"] == "pro"), None)
            if larger and larger["id"] != subscription["plan_id"]:
                self.api.post(f"{self.path}/subscriptions/{subscription['id']}/cancel")
                body = {"app_id": app["id"], "plan_id": larger["id"]}
                self.api.post(self.path + "/subscriptions", body)
        return app

    def subscribe(self, app, product, plan):
        """Opens a product's models to an app, both by their slugs."""
        plans = self.api.get(f"{self.path}/catalog/{product}")["plans"]
        plan = next(p for p in plans if p["slug"] == plan)
        body = {"app_id": app["id"], "plan_id": plan["id"]}
        return self.api.post(self.path + "/subscriptions", body)

    def key(self, app, name="test"):
        body = {"app_id": app["id"], "name": name, "env": "live"}
        return self.api.post(self.path + "/keys", body)

    def revoke(self, key):
        self.api.post(f"{self.path}/keys/{key['key']['id']}/revoke")

    def limit(self, app, **limit):
        scope = {"kind": "app", "id": app["id"]}
        return self.api.post(self.path + "/limits", {"scope": scope, **limit})


def until(what, check, seconds=5.0, pause=0.02):
    """Asks `check` until it answers with something true; that answer and how long it took."""
    began = time.monotonic()
    while True:
        value = check()
        took = time.monotonic() - began
        if value:
            return value, took
        if took > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Tests:
    """Counts checks; each is a sentence that states a guarantee."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, run):
        try:
            said = run()
            self.passed += 1
            print(f"ok      {name}" + (f"  ({said})" if isinstance(said, str) else ""), flush=True)
        except Exception as error:
            self.failed += 1
            print(f"FAILED  {name}\n        {type(error).__name__}: {error}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
