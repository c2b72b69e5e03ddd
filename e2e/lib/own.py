"""A Redis, a simulator and gateways of a test's own, from what was built. They are started for it and
stopped after it, and need nothing else of a stack."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))
from programs import Missed, Program, free_port, listening
from tollgate import ROOT

# Only this run's throw-away Redis ever sees what these two protect.
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CORES = f"0-{(os.cpu_count() or 1) - 1}"


def binary(name):
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
    build = os.environ.get("TOLLGATE_BUILD") or "release"
    folder = {"none": "release", "dev": "debug"}.get(build, build)
    return os.path.join(target, folder, name)


class Scene:
    """A Redis, a simulator and gateways."""

    def __init__(self, folder, gateways=1, kind="server"):
        self.folder, self.programs, self.count = folder, [], gateways
        self.redis = subprocess.Popen([binary("tollgate-load"), "redis", "--kind", kind], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said = self.redis.stdout.readline()
        if not said:
            raise Missed(f"no Redis of kind {kind} came up")
        self.env = {"REDIS_URL": json.loads(said)["url"], "TOLLGATE_MASTER_KEY": SECRET,
                    "TOLLGATE_KEY_PEPPER": SECRET, "TOLLGATE_LOG": "warn"}

    def program(self, name, what, env):
        program = Program(name, [binary(what)], CORES, self.folder, {**self.env, **env})
        self.programs.append(program)
        return program

    def start(self):
        port = free_port()
        self.upstream = f"http://127.0.0.1:{port}"
        self.program("simulator", "tollgate-simulator", {
            "TOLLGATE_SIMULATOR_LISTEN": f"127.0.0.1:{port}",
            "TOLLGATE_SIMULATOR_SMTP_LISTEN": f"127.0.0.1:{free_port()}",
        }).wait_for(listening(port), "listening")
        self.gateways = []
        for n in range(self.count):
            port = free_port()
            self.program(f"gateway{n}", "tollgate-gateway", {
                "TOLLGATE_GATEWAY_LISTEN": f"127.0.0.1:{port}", "TOLLGATE_GATEWAY_WORKERS": "1",
                "TOLLGATE_GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
                "TOLLGATE_GATEWAY_STATE": os.path.join(self.folder, f"state{n}"),
            }).wait_for(listening(port), "listening")
            self.gateways.append(f"http://127.0.0.1:{port}")

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        self.redis.stdin.close()
        self.redis.wait(30)
