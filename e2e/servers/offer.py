"""Offers the servers' models through the control API, as an operator does by hand: providers,
models, deployments, prices, a product and its plan; then an app with a key that may call them.
What an earlier run left is found again and pointed at the servers of this one."""

from tollgate import Api, Org, cost, demo, http, nanos, until

# Dollars per million tokens; no two alike, so that no class is taken for another.
PRICE = {"input_usd": "1.25", "output_usd": "3.75", "cached_input_usd": "0.31",
         "reasoning_usd": "5", "per_call_usd": "0.000021"}
RATE = {"input": nanos("1.25"), "output": nanos("3.75"), "cached_input": nanos("0.31"),
        "reasoning": nanos("5"), "call": nanos("0.000021")}
UNLIMITED = [{"metric": "requests", "window": "minute", "max": 100_000}]


class Offer:
    """What a suite offers and calls: its product is named after it."""

    def __init__(self, suite):
        self.stack, self.suite, self.models = demo(), suite, []
        self.gateway = self.stack["gateway_url"]
        operator = self.stack["operator"]
        self.api = Api(self.stack["api_url"], operator["email"], operator["password"])
        self.org = Org(self.stack)

    def provider(self, slug, url, vendor, dialect="openai", also=()):
        slug = f"{self.suite}-{slug}"
        wanted = {"name": f"Server tests: {slug}", "base_url": url, "also": list(also),
                  "auth": "none", "settings": {"vendor": vendor} if vendor else {}}
        known = next((p for p in self.api.all("/v1/admin/providers") if p["slug"] == slug), None)
        if known:
            return self.api.change(f"/v1/admin/providers/{known['id']}", known,
                                   {**wanted, "disabled": False})
        return self.api.post("/v1/admin/providers", {**wanted, "slug": slug, "dialect": dialect})

    def model(self, name, upstream, providers, modality="chat", price=None):
        """A model, answered by `providers` in equal parts; its name as callers send it."""
        name = f"{self.suite}/{name}"
        model = next((m for m in self.api.all("/v1/admin/models") if m["name"] == name), None)
        if model is None:
            model = self.api.post("/v1/admin/models", {
                "name": name, "display_name": name, "modality": modality,
                "context_tokens_max": 4096 if modality == "chat" else 0,
                "output_tokens_max": 4096 if modality == "chat" else 0})
            self.api.post(f"/v1/admin/models/{model['id']}/prices", price or PRICE)
        deployed = {d["provider_id"] for d in model["deployments"]}
        for provider in providers:
            if provider["id"] not in deployed:
                body = {"provider_id": provider["id"], "upstream_model": upstream, "weight": 100}
                self.api.post(f"/v1/admin/models/{model['id']}/deployments", body)
        if model["state"] == "draft":
            model = self.api.get(f"/v1/admin/models/{model['id']}")
            self.api.change(f"/v1/admin/models/{model['id']}", model, {"state": "active"})
        self.models.append((model["id"], name))
        return name

    def open(self):
        """Publishes the models as a product and gives an app of the demo's first org a key."""
        slug = f"{self.suite}-servers"
        product = next((p for p in self.api.all("/v1/admin/products") if p["slug"] == slug), None)
        ids = [id for id, _ in self.models]
        if product is None:
            product = self.api.post("/v1/admin/products", {
                "slug": slug, "name": f"Server tests: {self.suite}",
                "summary": "Models on servers that the tests started.", "model_ids": ids})
            self.api.post(f"/v1/admin/products/{product['id']}/plans", {
                "slug": "all", "name": "All", "approval": "auto", "limits": UNLIMITED})
        self.api.change(f"/v1/admin/products/{product['id']}", product,
                        {"state": "published", "model_ids": ids})
        self.app = self.org.app(f"Servers {self.suite}")
        self.org.subscribe(self.app, slug, "all")
        self.key = self.org.key(self.app)["secret"]
        # Versions are consecutive: once the gateway knows this key, it knows all of the above.
        until("the key reaches the gateway", lambda: self.ask("GET", "/v1/models")[0] == 200)
        return self

    def ask(self, method, path, body=None, headers=None):
        bearer = {"authorization": "Bearer " + self.key, **(headers or {})}
        return http(method, self.gateway + path, body, bearer)

    def event(self, request_id):
        """What was recorded of a call, once the ledger has it."""
        def found():
            try:
                return self.org.api.get(f"{self.org.path}/requests/{request_id}")
            except RuntimeError as error:
                if ": 404" not in str(error):
                    raise
                return None
        return until(f"{request_id} is recorded", found, 20)[0]

    def events(self):
        """All that was recorded of this run."""
        return self.org.api.all(f"{self.org.path}/requests?app={self.app['id']}")


def billed(event):
    """The tokens of an event; its cost must be theirs under the price."""
    tokens = {"cached_input": 0, "reasoning": 0, **event["tokens"]}
    wanted = cost(tokens, RATE)
    got = nanos(event["cost_usd"])
    assert got == wanted, f"billed {got} nano-dollars for {tokens}, wanted {wanted}"
    return tokens
