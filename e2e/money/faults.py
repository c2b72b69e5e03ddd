"""What goes wrong, in an order that a seed decides: programs killed with SIGKILL and started again,
Redis emptied, its master killed so that another takes over, Postgres killed."""

import json
import socket
import subprocess
import threading
import time
from collections import Counter

import books

GATEWAYS = ["gateway", "gateway2", "gateway3", "gateway4"]
KINDS = ["gateway", "gateway", "gateway", "flush", "failover", "postgres", "worker", "publisher", "backend"]
ANY_KEY = "tg:{config}:version"


class Redis:
    """A master with two replicas under three Sentinels, by the load tool."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool, "redis", "--kind", "sentinel"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()
        self.url = json.loads(self.process.stdout.readline() or "{}").get("url")
        if not self.url:
            raise RuntimeError("no Redis under Sentinel came up; is redis-server installed?")

    def tell(self, *words):
        with self.lock:
            self.process.stdin.write(" ".join(words) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def master(self):
        return self.tell("port", ANY_KEY)["port"]

    def fail_over(self):
        """Kills the master; whoever was it comes back once another has taken over."""
        before = self.master()
        self.tell("kill", ANY_KEY)
        patiently("a replica becomes the master", lambda: self.master() != before)
        if not self.tell("restart")["done"]:
            raise RuntimeError("the master that was killed did not start again")

    def flush(self):
        # Refused while replicas that have just changed their master are still copying it.
        patiently("Redis is emptied", lambda: self.ask("FLUSHALL", "SYNC") == "OK")

    def is_whole(self):
        """Whether the master has both replicas."""
        return "connected_slaves:2" in self.ask("INFO", "replication")

    def hash(self, key):
        """All fields of a hash, as the master has it."""
        told = self.ask("HGETALL", key)
        return dict(zip(told[::2], told[1::2]))

    def ask(self, *words):
        """The master's answer to one command; an error is its text."""
        with socket.create_connection(("127.0.0.1", self.master()), 10) as s:
            asked = "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
            s.sendall(f"*{len(words)}\r\n{asked}".encode())
            with s.makefile("rb") as f:
                return answer(f)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def answer(f):
    head = f.readline().decode().strip()
    if head.startswith("*"):
        return [answer(f) for _ in range(int(head[1:]))]
    return f.read(int(head[1:]) + 2)[:-2].decode() if head.startswith("$") else head[1:]


def patiently(what, check, seconds=60):
    """Asks until it is so; a server that is away just now is asked again."""
    end = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Faults:
    """One after another in a thread of its own, until stopped."""

    def __init__(self, random, redis, pause):
        self.random, self.redis, self.pause = random, redis, pause
        self.done, self.wrong, self.stopping = Counter(), [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.thread.start()
        return self

    def finish(self):
        """Stops once every kind has happened."""
        self.stopping.set()
        self.thread.join()

    def run(self):
        while not self.stopping.is_set() or set(KINDS) - set(self.done):
            # Each kind comes before any comes again.
            for kind in self.random.sample(KINDS, len(KINDS)):
                if self.stopping.is_set() and kind in self.done:
                    continue
                time.sleep(self.random.uniform(*self.pause))
                try:
                    self.strike(kind)
                    self.done[kind] += 1
                except Exception as error:
                    self.wrong.append(f"{kind}: {error}")
                    return

    def strike(self, kind):
        if kind == "flush":
            self.redis.flush()
        elif kind == "failover":
            # Two at once would be one too many: nobody would be left to write to.
            patiently("both replicas follow", self.redis.is_whole)
            self.redis.fail_over()
        else:
            name = self.random.choice(GATEWAYS) if kind == "gateway" else kind
            books.stack("kill", name)
            time.sleep(self.random.uniform(0, 2))
            books.stack("start", name)
