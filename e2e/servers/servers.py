"""Starts the model servers of the suites, each a process of its own on a free port, and asks them
what they counted."""

import ctypes
import os
import re
import signal
import socket
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
from tollgate import VAR, http, until

FOLDER = os.path.join(VAR, "servers")
CHAT, EMBEDDING = os.path.join(FOLDER, "chat.gguf"), os.path.join(FOLDER, "minilm.gguf")
DIE_WITH_PARENT = 1


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def python(environment):
    return os.path.join(FOLDER, environment, "bin", "python")


def tied():
    """In the child: it must not outlive the suite, however that ends."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


class Server:
    """A process that serves models; killed when its `with` ends."""

    def __init__(self, name, command, url=None, folder=None, ready="/v2/health/ready"):
        self.log = os.path.join(FOLDER, f"{name}.log")
        self.command, self.folder = command, folder
        self.name, self.url, self.ready_path = name, url, ready
        self.start()

    def start(self):
        path = os.path.dirname(self.command[0]) + ":" + os.environ["PATH"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder,
                                            env={**os.environ, "PATH": path}, preexec_fn=tied)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """SIGKILL, as a machine that goes away."""
        self.process.kill()
        self.process.wait()

    def wait(self, seconds=180):
        """Until it says that it is ready; what it wrote is in the exception where it does not."""
        try:
            until(f"{self.name} is ready", self.is_ready, seconds, 0.05)
        except AssertionError as late:
            with open(self.log) as log:
                raise AssertionError(f"{late}; it wrote:\n{log.read()[-4000:]}") from None
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: see {self.log}")
        if self.url is None:
            # It chose its port itself.
            with open(self.log) as f:
                told = re.search(r"^(http://[0-9.:]+)$", f.read(), re.MULTILINE)
            if not told:
                return False
            self.url = told[1]
        try:
            return http("GET", self.url + self.ready_path, timeout=5)[0] == 200
        except OSError:
            return False


class Llama(Server):
    """llama.cpp's own server with one model. It is ready within a second, but a start of the
    library was seen to hang: one that takes half a minute is made again, and told."""

    STARTS, SECONDS = 4, 30

    def __init__(self, name, model, serves, kind="chat"):
        command = [python("llama"), os.path.join(HERE, "serve", "llama.py"), model, serves, kind]
        super().__init__(name, command, ready="/health")
        for left in reversed(range(self.STARTS)):
            try:
                self.wait(self.SECONDS)
                return
            except AssertionError as late:
                if not left:
                    raise
                print(f"started again: {late}", flush=True)
                self.kill()
                self.url = None
                self.start()

    def counters(self):
        """Tokens since it started: of prompts, of prompts it remembered, of answers."""
        text = http("GET", self.url + "/metrics")[2]
        names = {"input": "prompt_tokens_total", "cached_input": "prompt_tokens_cached_total",
                 "output": "tokens_predicted_total"}
        read = lambda name: int(float(re.search(rf"^llamacpp:{name} (\S+)", text, re.MULTILINE)[1]))
        return {ours: read(theirs) for ours, theirs in names.items()}

    def busy(self):
        """How many calls it is working on."""
        text = http("GET", self.url + "/metrics")[2]
        return int(re.search(r"^llamacpp:requests_processing (\d+)", text, re.MULTILINE)[1])


def mlserver():
    """MLServer with a classifier that is trained on the spot; not waited for."""
    ports = [free_port() for _ in range(3)]
    folder = os.path.join(FOLDER, "iris")
    made = [python("mlserver"), os.path.join(HERE, "make", "classifier.py"), folder, *map(str, ports)]
    subprocess.run(made, check=True)
    command = [os.path.join(FOLDER, "mlserver", "bin", "mlserver"), "start", "."]
    return Server("mlserver", command, f"http://127.0.0.1:{ports[0]}", folder)


def triton():
    """NVIDIA's Triton with two models in Python; not waited for."""
    ports = [free_port() for _ in range(3)]
    command = [python("triton"), os.path.join(HERE, "serve", "triton.py"), *map(str, ports)]
    return Server("triton", command, f"http://127.0.0.1:{ports[0]}", ready="/v2/models/shout/ready")
