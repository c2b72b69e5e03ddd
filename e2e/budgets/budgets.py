"""What a budget promises, on a running stack with two gateways."""

import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "chaos"))
import books
from receiver import Receiver
from tollgate import Api, Org, Tests, demo, http, until

CALLS = 40


class Shop:
    """Two models of the simulator at a price a call, in a product of their own."""

    def __init__(self, stack):
        operator = stack["operator"]
        self.api = Api(stack["api_url"], operator["email"], operator["password"])
        self.tail = secrets.token_hex(4)
        providers = self.api.all("/v1/admin/providers")
        provider = next(p for p in providers if p["base_url"].rstrip("/") in simulators(stack))
        self.dear = self.model("dear", "0.10", provider)
        self.mini = self.model("mini", "0.01", provider)
        self.slug = f"budgeted-{self.tail}"
        product = self.api.post("/v1/admin/products", {
            "slug": self.slug, "name": "Budgeted", "summary": "Two models at a price a call.",
            "model_ids": [self.dear["id"], self.mini["id"]],
        })
        self.api.post(f"/v1/admin/products/{product['id']}/plans",
                      {"slug": "only", "name": "Only", "approval": "auto"})
        before = self.api.get(f"/v1/admin/products/{product['id']}")
        body = {k: before[k] for k in ("name", "summary", "description")}
        self.api.change(f"/v1/admin/products/{product['id']}", before, {
            **body, "state": "published", "model_ids": [self.dear["id"], self.mini["id"]]})

    def model(self, name, usd, provider):
        model = self.api.post("/v1/admin/models", {
            "name": f"{name}-{self.tail}", "display_name": name.title(), "modality": "chat",
            "context_tokens_max": 1000, "output_tokens_max": 100})
        path = f"/v1/admin/models/{model['id']}"
        self.api.post(path + "/deployments",
                      {"provider_id": provider["id"], "upstream_model": "sim-small", "weight": 1})
        self.api.post(path + "/prices", {"per_call_usd": usd})
        before = self.api.get(path)
        fields = ("display_name", "context_tokens_max", "output_tokens_max")
        self.api.change(path, before, {**{k: before[k] for k in fields}, "state": "active"})
        return model


def simulators(stack):
    base = stack["simulator_url"].rstrip("/")
    return (base, base + "/v1")


class Scene:
    def __init__(self):
        self.stack, settings = demo(), books.settings()
        books.stack("start", "gateway2")
        self.gateways = [settings["TOLLGATE_GATEWAY_URL"], settings["TOLLGATE_GATEWAY2_URL"]]
        self.org, self.shop = Org(self.stack), Shop(self.stack)
        self.receiver = Receiver()
        made = self.org.api.post(self.org.path + "/webhooks", {"url": self.receiver.url})
        self.webhook, self.secret = made["webhook"], made["secret"]

    def app(self, name, **budget):
        """An app with a budget on it, and a key that came after it: a gateway that knows the key
        knows the budget."""
        app = self.org.app(name)
        self.org.subscribe(app, self.shop.slug, "only")
        budget = {"name": app["name"], "scope": {"kind": "app", "id": app["id"]},
                  "window": "month", "amount_usd": "1", "action": {"kind": "deny"}, **budget}
        budget = self.org.api.post(self.org.path + "/budgets", budget)
        key = self.org.key(app)["secret"]
        for gateway in self.gateways:
            until("the key reaches " + gateway,
                  lambda: http("GET", gateway + "/v1/models", headers=bearer(key))[0] == 200)
        return budget, key

    def path(self, budget):
        return f"{self.org.path}/budgets/{budget['id']}"

    def call(self, key, nth=0, model=None):
        """Status, code of the error if there is one, and headers."""
        body = {"model": (model or self.shop.dear)["name"],
                "messages": [{"role": "user", "content": "Hello"}]}
        url = self.gateways[nth % len(self.gateways)] + "/v1/chat/completions"
        status, headers, text = http("POST", url, body, bearer(key))
        return status, json.loads(text).get("error", {}), headers

    def press(self, key, count=CALLS):
        """Many calls at once over both gateways: how many ran, and the refusals."""
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda n: self.call(key, n), range(count)))
        ran = [answer for answer in answers if answer[0] == 200]
        return len(ran), [answer for answer in answers if answer[0] != 200]

    def mails(self, budget):
        """Subjects of what was mailed of a budget, by address."""
        _, _, text = http("GET", self.stack["simulator_url"] + "/mailbox/api")
        found = {}
        for mail in json.loads(text):
            if budget["name"] in mail["subject"]:
                for to in [mail["to"]] if isinstance(mail["to"], str) else mail["to"]:
                    found.setdefault(to, []).append(mail["subject"].split()[-2])
        return found

    def hooks(self, budget):
        sent = self.receiver.messages("budget.threshold_reached", self.secret)
        return sorted(one["percent"] for one in sent if one["budget_id"] == budget["id"])


def bearer(key):
    return {"authorization": "Bearer " + key}


def the_dollar(scene, tests):
    budget, key = scene.app("Dollar")

    def exactly():
        ran, refused = scene.press(key)
        assert ran in (9, 10), f"{ran} calls of ten cents ran at once"
        if ran == 9:
            # A few cents were in the hand of the other gateway, which gives back what it does not use.
            until("the tenth runs", lambda: scene.call(key)[0] == 200, 6, 0.25)
        assert scene.press(key)[0] == 0, "nothing runs beyond the dollar"
        assert {(r[0], r[1]["code"]) for r in refused} == {(402, "budget.exhausted")}, refused[:2]
        assert budget["name"] in refused[0][1]["message"], refused[0][1]
        assert int(refused[0][2]["retry-after"]) > 0
        return f"{ran} of them at once"

    def once():
        until("it is booked", lambda: scene.org.api.get(scene.path(budget))["period"]["spent_usd"]
              == "1.00", 15)
        until("three messages", lambda: len(scene.hooks(budget)) >= 3, 15)
        people = {m["email"] for o in scene.stack["orgs"][:1] for m in o["members"]
                  if m["role"] in ("owner", "finance")}
        until("the mails", lambda: set(scene.mails(budget)) >= people
              and all(len(m) >= 3 for m in scene.mails(budget).values()), 15)
        scene.press(key, 10)
        alerts = scene.org.api.all(scene.path(budget) + "/alerts")
        assert sorted(a["percent"] for a in alerts) == [50, 80, 100], alerts
        mails = scene.mails(budget)
        assert all(sorted(m, key=int) == ["50", "80", "100"] for m in mails.values()), mails
        assert set(mails) == people, (mails, people)
        assert scene.hooks(budget) == [50, 80, 100], scene.hooks(budget)

    def raised():
        ends = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
        scene.org.api.post(scene.path(budget) + "/raises",
                           {"add_usd": "0.20", "ends_at": ends, "reason": "Friday night"})
        _, took = until("a call runs", lambda: scene.call(key)[0] == 200, 3)
        ran, _ = scene.press(key, 10)
        assert ran == 1, f"{ran} more calls ran"
        return f"in force after {took:.2f} s"

    def ended():
        shown = scene.org.api.get(scene.path(budget))
        raise_id = shown["raises"][0]["id"]
        scene.org.api.call("DELETE", scene.path(budget) + f"/raises/{raise_id}")
        until("it is booked", lambda: scene.org.api.get(scene.path(budget))["period"]["spent_usd"]
              == "1.20", 15)
        assert scene.call(key)[0] == 402
        assert scene.hooks(budget) == [50, 80, 100], "the alerts of this period were told"

    tests.check("a budget of a dollar lets through exactly what fits, over two gateways", exactly)
    tests.check("each threshold is told once, by mail and by signed webhook", once)
    tests.check("a raise lets through what it adds and no more", raised)
    tests.check("a raise that is over leaves what was spent, and tells nothing again", ended)


def the_cheaper_model(scene, tests):
    action = {"kind": "downgrade", "model_id": scene.shop.mini["id"]}
    budget, key = scene.app("Cheaper", model_id=scene.shop.dear["id"], amount_usd="0.30",
                            action=action)

    def sent_on():
        answers = [scene.call(key, n) for n in range(8)]
        assert {a[0] for a in answers} == {200}, answers
        to = [a[2].get("x-tollgate-downgraded") for a in answers]
        assert to == [None] * 3 + [scene.shop.mini["name"]] * 5, to
        until("it is booked", lambda: scene.org.api.get(scene.path(budget))["period"]["spent_usd"]
              == "0.30", 15)

    tests.check("a used up budget sends calls on to its cheaper model, and says so", sent_on)


def main():
    tests = Tests()
    scene = Scene()
    try:
        the_dollar(scene, tests)
        the_cheaper_model(scene, tests)
    finally:
        scene.org.api.call("DELETE", f"{scene.org.path}/webhooks/{scene.webhook['id']}")
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
