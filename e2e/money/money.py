"""Whatever goes wrong, the books are right: four gateways are killed, Redis is emptied and fails over,
Postgres dies, callers hang up, the provider cuts its answers; at the end the ledger is what the
simulator counted, times the price, to the nano-dollar.

It brings up a stack of its own, under Sentinel, from programs that are built. TOLLGATE_CHAOS=long: 20,000
calls. TOLLGATE_SEED: what is asked and what goes wrong, in which order; when exactly it meets is not
repeated."""

import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", name) for name in ("lib", "chaos")]
# A folder within that of the stack that runs: read when the library is.
os.environ["TOLLGATE_VAR"] = os.path.join(os.environ.get("TOLLGATE_VAR") or "var", "money")
os.environ |= {"TOLLGATE_THROWAWAY": "1", "TOLLGATE_GATEWAY_WORKERS": "1"}
BUILD = os.environ.setdefault("TOLLGATE_BUILD", "none")
import books
from calls import Ask, Calls
from faults import GATEWAYS, Faults, Redis
from tollgate import ROOT, VAR, Api, Org, Tests, cost, demo, http, nanos, until

LONG = os.environ.get("TOLLGATE_CHAOS") == "long"
# Faults strike at two paces, the calls in seconds between them. First one leaves off before the next
# strikes: after a flush or a failover limits are closed until every gateway has said again what it has.
# Then they strike all at once, and only the books count: most calls find limits closed.
APART, RUSH, RATE = ((5_000, (5, 11)), (20_000, (1, 4)), 80) if LONG else ((3_000, (3, 7)), (3_000, (0.2, 1.5)), 60)
CALLS = APART[0] + RUSH[0]
SEED = int(os.environ.get("TOLLGATE_SEED") or secrets.randbelow(2**32))
BIN = os.path.join(os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target"),
                   {"none": "release", "dev": "debug"}.get(BUILD, BUILD))
# One call in so many is that of the org that pays ahead, whose money is for half of these.
PREPAID = 20
# Beyond any use; still, all of it is counted.
ENOUGH = 10**12


class Stack:
    """Postgres, the platform's programs and four gateways on a Redis under Sentinel."""

    def __init__(self):
        if os.path.isdir(VAR):
            books.stack("down")
            shutil.rmtree(VAR)
        self.redis = Redis(os.path.join(BIN, "tollgate-load"))
        os.environ["REDIS_URL"] = self.redis.url
        os.environ.pop("DATABASE_URL", None)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        books.stack("start", "postgres")
        self.settings = books.settings()
        self.backend("migrate")
        for name in ("backend", "worker", "publisher", "simulator"):
            books.stack("start", name)
        self.backend("admin", "seed-demo", "--out", os.path.join(VAR, "demo.json"))
        for name in GATEWAYS:
            books.stack("start", name)
        self.gateways = [self.settings[f"TOLLGATE_{name.upper()}_URL"] for name in GATEWAYS]

    def backend(self, *words):
        done = subprocess.run([os.path.join(BIN, "tollgate-backend"), *words], capture_output=True,
                              text=True, env={**os.environ, **books.settings()})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def ready(self):
        """What each gateway says of itself."""
        with open(os.path.join(VAR, "ports.env")) as f:
            ports = dict(line.strip().split("=") for line in f)
        return [json.loads(http("GET", f"http://127.0.0.1:{ports[name + '_admin']}/readyz")[2])
                for name in GATEWAYS]

    def stop(self):
        books.stack("down")
        self.redis.stop()


class Floor:
    """Looks at a wallet again and again."""

    def __init__(self, org):
        self.org, self.samples, self.least, self.below = org, 0, None, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def look(self):
        wallet = self.org.api.get(self.org.path + "/wallet")
        balance, floor = nanos(wallet["balance_usd"]), nanos(wallet["floor_usd"])
        self.samples += 1
        self.least = balance if self.least is None else min(self.least, balance)
        if balance < floor:
            self.below.append(balance - floor)
        return balance, floor

    def run(self):
        while not self.stopping.wait(0.3):
            try:
                self.look()
            except Exception:
                continue  # The API is among what is killed.

    def finish(self):
        self.stopping.set()
        self.thread.join()


class Money:
    def __init__(self):
        self.random = random.Random(SEED)
        self.stack = Stack()
        self.demo = demo()
        self.operator = Api(self.demo["api_url"], **self.demo["operator"])
        self.orgs = [Org(self.demo, 0), Org(self.demo, 1)]
        self.model = next(m for m in names(self.demo["models"]) if m.startswith("sim") and "embed" not in m)

    def prepare(self):
        """An app with limits that count all it uses, and one of an org that pays ahead."""
        self.apps = [org.busy_app("Money") for org in self.orgs]
        self.limits = [
            self.orgs[0].limit(self.apps[0], metric="money", window="lifetime", max_usd=str(ENOUGH // 10**6)),
            self.orgs[0].limit(self.apps[0], metric="requests", window="lifetime", max=ENOUGH)]
        self.rates = [books.rates(self.demo["api_url"], org, app, self.model)
                      for org, app in zip(self.orgs, self.apps)]
        account = f"/v1/admin/orgs/{self.orgs[1].slug}"
        used = {"input": 20, "cached_input": 2, "output": 25, "reasoning": 3}
        self.credit = cost(used, self.rates[1]) * CALLS // PREPAID // 2
        floor = self.credit // 10
        self.operator.post(account + "/credits", {
            "kind": "purchase", "amount_usd": usd(self.credit + floor), "note": "of a test"})
        wallet = self.operator.get(account)
        self.operator.change(account + "/billing", wallet, {"billing": "prepaid", "floor_usd": usd(floor)})
        self.before = set(self.billed())
        self.keys = [org.key(app)["secret"] for org, app in zip(self.orgs, self.apps)]
        for key in self.keys:
            for gateway in self.stack.gateways:
                bearer = {"authorization": "Bearer " + key}
                until("the keys are known", lambda: http("GET", gateway + "/v1/models", headers=bearer)[0] == 200, 15)

    def ask(self, nth):
        """What the call of this number asks for, what its provider does, and when its caller goes."""
        draw = self.random
        stream = draw.random() < 0.5
        tokens = draw.randint(1, 50)
        switches = (f"tokens={tokens} cached_tokens={draw.randint(0, 3)} reasoning_tokens={draw.randint(0, 6)} "
                    f"latency_ms={draw.choice([0, 0, 10, 50, 200])} chunks={min(tokens, draw.randint(1, 8))} "
                    f"chunk_delay_ms={draw.choice([0, 5, 20, 100])} usage_each=1")
        what, hang_up = draw.random(), None
        if what < 0.03:
            hang_up = {"seconds": draw.uniform(0, 0.3)}
        elif what < 0.07:
            hang_up = {"bytes": draw.randint(1, 600)}
        elif what < 0.11:
            switches += f" cut_after={draw.randint(1, 5)}"
        elif what < 0.13:
            switches += " reset=1 fail_first=1"
        elif what < 0.15:
            switches += " status=503 fail_first=1"
        elif what < 0.16:
            switches += " status=500"
        key = self.keys[nth % PREPAID == 0]
        return Ask(key, switches, stream, hang_up, draw.randint(0, 30))

    def run(self):
        floor = Floor(self.orgs[1])
        calls = Calls(self.stack.gateways, self.model, self.ask, CALLS, RATE, callers=24).start()
        faults = Faults(random.Random(SEED + 1), self.stack.redis, APART[1]).start()
        while calls.made < CALLS and not faults.wrong:
            faults.pause = APART[1] if calls.made < APART[0] else RUSH[1]
            time.sleep(0.2)
        faults.finish()
        calls.finish()
        for name in ("postgres", "backend", "worker", "publisher", *GATEWAYS):
            books.stack("start", name)
        return calls, faults, floor

    def settled(self):
        """Waits until nothing is under way any more, and all is with the books."""
        state = {}

        def calm():
            state["gateways"] = self.stack.ready()
            return all(one["ready"] and not one["spool_events"] and not one["intents_open"]
                       for one in state["gateways"])
        until(f"every gateway has settled and shipped its calls: {state}", calm, 120, 0.5)
        seen = lambda: {r for r in books.counted(self.demo["simulator_url"])}
        until("every call that the provider saw is with the books",
              lambda: seen() <= set(self.events()) | set(self.unknowns()), 90, 1)

    def rows(self, query):
        return books.rows(self.stack.settings["DATABASE_URL"], query)

    def own(self):
        """The apps of this run, as Postgres names them; the demo's own history is none of it."""
        return ", ".join(f"'{books.uuid_of(app['id'])}'" for app in self.apps)

    def events(self):
        """Of each call that was settled: its app, its outcome, whether it was estimated."""
        return {books.request_id(r): (app, outcome, estimated == "t", int(nanos)) for
                r, app, outcome, estimated, nanos in
                self.rows(f"""select request_id, app_id, outcome, estimated, cost_nanos from usage_events
                    where app_id in ({self.own()})""")}

    def unknowns(self):
        """Of each call of which no settlement came: its state."""
        return {books.request_id(r): state for r, state in
                self.rows(f"select request_id, state from usage_unknowns where state <> 'settled' and app_id in ({self.own()})")}

    def billed(self):
        """What each call was billed, and how often."""
        return {books.request_id(r): (int(times), int(nanos)) for r, times, nanos in self.rows("""
            select coalesce(t.request_id, o.request_id),
              count(distinct t.id) filter (where t.kind = 'usage'), -sum(e.amount_nanos)
            from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
              join ledger_accounts a on a.id = e.account_id and a.kind = 'revenue'
              left join ledger_transactions o on o.id = t.corrects
            where coalesce(t.request_id, o.request_id) is not null group by 1""")}

    def used(self, request, counted):
        """What the provider counted of a call, at the price of its caller."""
        rate = self.rates[request in self.prepaid]
        return cost(counted[request], rate)

    def check(self, tests, calls, faults, floor):
        counted = books.counted(self.demo["simulator_url"])
        events, unknowns = self.events(), self.unknowns()
        prepaid = self.rows(f"select id from apps where org_id = "
                            f"(select id from orgs where slug = '{self.orgs[1].slug}')")
        prepaid = {row[0] for row in prepaid}
        self.prepaid = {r for r, (app, *_) in events.items() if app in prepaid}
        self.prepaid |= {books.request_id(r) for r, app in self.rows(
            "select request_id, app_id from usage_unknowns") if app in prepaid}
        answered = set(calls.answered)

        def known():
            lost = set(counted) - set(events) - set(unknowns)
            assert not lost, f"{len(lost)} of {len(counted)} calls are nowhere in the books: {sorted(lost)[:3]}"
            strange = (set(events) | set(unknowns)) - set(counted)
            paid = [r for r in strange if r in events and events[r][3]]
            assert not paid, f"billed and never seen by the provider: {paid[:3]}"
            return f"{len(events)} settled, {len(unknowns)} unknown, of {len(counted)}"

        def exact():
            """Calls that failed cost nothing; the rest what the provider counted."""
            wrong = []
            for r, (_, outcome, estimated, told) in events.items():
                row = counted.get(r)
                if row is None:
                    continue
                due = 0 if outcome == "upstream_error" else self.used(r, counted)
                if told != due or (outcome == "upstream_error" and row["outcome"] == "completed"):
                    wrong.append((r, outcome, "estimated" if estimated else "reported", told, due, row["outcome"]))
            kinds = Counter(w[1:3] + w[5:] for w in wrong)
            assert not wrong, f"{len(wrong)} differ {dict(kinds)}; (id, outcome, how, billed, due, provider's): {wrong[:4]}"
            return f"{len(events)} calls, call by call"

        def only_killed():
            cut = calls.others.total()
            assert not answered & set(unknowns), f"answered, and not settled: {list(answered & set(unknowns))[:3]}"
            assert len(unknowns) <= cut, (len(unknowns), cut)
            return f"{len(unknowns)} unknown calls"

        def resolved():
            """Finance ends each by what the provider reports; then the ledger is whole."""
            for r in unknowns:
                classes = ("input", "cached_input", "cache_write", "output", "reasoning")
                body = {"resolution": "forgive", "reason": "The provider never saw it."}
                if r in counted and self.used(r, counted):
                    body = {"resolution": "usage", "reason": "As the provider reports.",
                            "tokens": {c: counted[r][c] for c in classes}}
                self.operator.post(f"/v1/admin/unknowns/{r}/resolve", body)
            due = {r: self.used(r, counted) for r in counted
                   if not (r in events and events[r][1] == "upstream_error")}
            billed = {r: what for r, what in self.billed().items() if r not in self.before}
            often = [r for r, (times, _) in billed.items() if times > 1]
            assert not often, f"billed more than once: {often[:3]}"
            wrong = [(r, billed.get(r, (0, 0))[1], n) for r, n in due.items() if billed.get(r, (0, 0))[1] != n]
            assert not wrong, f"{len(wrong)} differ (id, billed, due): {wrong[:3]}"
            ours, theirs = sum(n for _, n in billed.values()), sum(due.values())
            assert ours == theirs, f"ledger {ours}, simulator x price {theirs}"
            return f"{ours} nano-dollars"

        def released():
            for one in self.stack.ready():
                assert one["intents_open"] == 0, one
            # What a gateway said before was of calls that were under way then; who was killed says no more.
            beats = self.beats_since(datetime.now(timezone.utc).strftime("%FT%T.%f"))
            held = [b for b in beats if b["reservations"] or b["held_nanos"]]
            assert not held, f"still hold something: {held[:2]}"

        def counters():
            org = self.orgs[0].api.get(self.orgs[0].path)["id"]
            app = self.apps[0]["id"]
            of_app = books.uuid_of(app)
            due = [int(n) for n in self.rows(f"""
                select coalesce(sum(cost_nanos), 0), count(*) from usage_events where app_id = '{of_app}'""")[0]]
            # What nobody knows counts as it was reserved, until it is known.
            open_ones = self.rows(f"""select coalesce(sum(reserved_nanos), 0), count(*) from usage_unknowns
                where app_id = '{of_app}' and state in ('open', 'unknown')""")[0]
            due = [n + int(more) for n, more in zip(due, open_ones)]
            names = [f"tg:{{{org}}}:limit:{limit['id']}:{app}:0" for limit in self.limits]
            told = lambda: [int(self.stack.redis.hash(name).get("t", 0)) for name in names]
            try:
                until("they agree", lambda: told() == due, 120, 0.5)
            except AssertionError:
                fail(f"money and calls: counted {told()}, used {due}")
            return f"{due[0]} nano-dollars, {due[1]} calls"

        def wallet():
            floor.finish()
            balance, least = floor.look()
            assert not floor.below, f"{len(floor.below)} of {floor.samples} samples, by {min(floor.below)}"
            account = self.operator.get(f"/v1/admin/orgs/{self.orgs[1].slug}")
            assert nanos(account["overrun_usd"]) == 0, f"calls cost {account['overrun_usd']} more than there was"
            return f"{floor.samples} samples, at least {floor.least - least} nano-dollars above"

        faults_done = not faults.wrong
        tests.check("whatever was struck came back", lambda: faults_done or fail(faults.wrong))
        tests.check("no two answers have one request id", lambda: not calls.twice or fail(calls.twice[:3]))
        apart = sum(nth <= APART[0] for nth in calls.answered.values())
        tests.check("at least half of the calls between faults apart were answered",
                    lambda: part_of(apart, APART[0], 2))
        tests.check("at least a tenth of the calls were answered while faults strike all at once",
                    lambda: part_of(len(answered) - apart, calls.made - APART[0], 10))
        tests.check("every call that the provider saw is in the books, settled or unknown", known)
        tests.check("every settled call costs what the simulator counted, times the price", exact)
        tests.check("only calls that nobody got an answer of are unknown", only_killed)
        tests.check("no reservation outlives its call", released)
        tests.check("the counters of limits hold what was used and nothing more, killed gateways' too", counters)
        tests.check("ledger = simulator's count x price, each call billed once, unknown ones as reported", resolved)
        tests.check("a wallet was never below its floor", wallet)
        tests.check("ledger, events, rollups and wallets agree", lambda: self.stack.backend("admin", "reconcile").splitlines()[-1])
        self.table(calls, faults, events, unknowns, counted)

    def beats_since(self, moment):
        """What each gateway says of itself, later than that moment."""
        def later():
            beats = [json.loads(text) for text in self.stack.redis.hash("tg:{gateways}").values()]
            beats = [beat for beat in beats if beat["at"] > moment]
            return len(beats) == len(GATEWAYS) and beats
        return until("every gateway beats", later, 15, 0.2)[0]

    def table(self, calls, faults, events, unknowns, counted):
        print(f"        seed {SEED}")
        apart = sum(nth <= APART[0] for nth in calls.answered.values())
        rows = [("calls made", calls.made), (f"answered whole of the first {APART[0]}", apart),
                ("answered whole of the rest", len(calls.answered) - apart),
                *sorted(calls.others.items()), ("seen by the provider", len(counted)),
                *((f"settled as {what}", n) for what, n in sorted(Counter(e[1] for e in events.values()).items())),
                ("settled by estimate", sum(e[2] for e in events.values())), ("unknown", len(unknowns)),
                *((f"struck: {what}", n) for what, n in sorted(faults.done.items()))]
        for what, n in rows:
            print(f"        {what:40} {n:>8}")


def names(models):
    return [m if isinstance(m, str) else m.get("name") or m["id"] for m in models]


def usd(n):
    return f"{n // 10**9}.{n % 10**9:09}"


def fail(what):
    raise AssertionError(what)


def part_of(part, whole, least):
    """Says how much that is: one in `least` at least."""
    assert part * least >= whole, f"only {part} of {whole}"
    return f"{100 * part / whole:.1f} %"


def main():
    print(f"        seed {SEED} (TOLLGATE_SEED), {CALLS} calls", flush=True)
    tests, money = Tests(), Money()
    try:
        money.prepare()
        began = time.monotonic()
        calls, faults, floor = money.run()
        print(f"        {calls.made} calls in {time.monotonic() - began:.0f} s", flush=True)
        try:
            tests.check("everything settles once faults end", money.settled)
            money.check(tests, calls, faults, floor)
        finally:
            floor.finish()
    finally:
        money.stack.stop()
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
