"""The programs of a bench: started pinned to a core, measured from /proc, stopped by their own pid."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections import Counter

TICKS = os.sysconf("SC_CLK_TCK")


class Missed(Exception):
    """The bench cannot go on; the text says why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def raise_file_limit():
    """A thousand streams are more files than the usual limit of 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Program:
    """One running program and its children."""

    def __init__(self, name, command, core, folder, env=None):
        self.name, self.log = name, os.path.join(folder, name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, cwd=folder,
                start_new_session=True)

    def pids(self):
        """Its pid and those of all its descendants."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat(entry)
                if fields:
                    children.setdefault(int(fields[1]), []).append(int(entry))
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def cpu(self):
        """User and system seconds used so far."""
        used = [stat(pid) for pid in self.pids()]
        return sum(int(f[11]) + int(f[12]) for f in used if f) / TICKS

    def resident_mb(self):
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/status") as f:
                    total += sum(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
            except OSError:
                pass
        return total * 1024 / 1e6

    def wait_for(self, ready, what, seconds=30):
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log, errors="replace") as log:
                    tail = "".join(log.readlines()[-15:])
                raise Missed(f"{self.name}: {what} did not happen. Its log ends:\n{tail}")
            time.sleep(0.02)
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def stat(pid):
    """The fields of /proc/PID/stat after the name, or nothing when it has gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
        return text[text.rindex(")") + 2:].split()
    except OSError:
        return None


def listening(port):
    def ready():
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            return False
    return ready


def redis(port, *words):
    """One command to Redis; the first line of its reply."""
    parts = [f"${len(w.encode())}\r\n{w}\r\n" for w in map(str, words)]
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
        return s.makefile("r").readline().strip()


def redis_commands(port):
    """How often this Redis has run each command, those within scripts too."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(b"*2\r\n$4\r\nINFO\r\n$12\r\ncommandstats\r\n")
        with s.makefile("rb") as f:
            text = f.read(int(f.readline()[1:])).decode()
    lines = (line.removeprefix("cmdstat_").split(":calls=") for line in text.splitlines()
             if line.startswith("cmdstat_"))
    return Counter({name: int(rest.split(",")[0]) for name, rest in lines})


def load(binary, core, *words, stdin=None):
    """Runs the load tool to its end; what it printed."""
    done = subprocess.run(["taskset", "-c", str(core), binary, *map(str, words)],
                          capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise Missed(f"load {words[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)
