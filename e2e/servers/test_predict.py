"""Real servers of the Open Inference Protocol: MLServer with a trained scikit-learn model, and
NVIDIA's Triton; asked over plain HTTP and by Triton's own client."""

import json
import sys
from urllib.parse import urlsplit

import numpy
import tritonclient.http
from tritonclient.utils import InferenceServerException

import servers
from offer import Offer, billed
from tollgate import Tests, http

# Of each kind of iris one.
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 4.2, 1.3], [6.7, 3.0, 5.2, 2.3]]


def asked(name="flower", shape=(3, 4), datatype="FP64", data=FLOWERS):
    return {"inputs": [{"name": name, "shape": list(shape), "datatype": datatype, "data": data}]}


class Predict:
    def __init__(self, mlserver, triton):
        self.mlserver, self.triton, self.offer = mlserver, triton, Offer("predict")
        ours = self.offer.provider("mlserver", mlserver.url, "mlserver", "oip")
        theirs = self.offer.provider("triton", triton.url, "triton", "oip")
        self.iris = self.offer.model("iris", "iris", [ours], "predict")
        self.twice = self.offer.model("twice", "twice", [theirs], "predict")
        # Triton's text generation is a conversation's kind of call: sold by tokens.
        self.shout = self.offer.model("text", "shout", [theirs])
        # The operator's mistake: the server has no such model.
        self.lost = self.offer.model("lost", "lost", [ours], "predict")
        self.offer.open()
        self.client = tritonclient.http.InferenceServerClient(urlsplit(self.offer.gateway).netloc)
        self.bearer = {"authorization": "Bearer " + self.offer.key}

    def ask(self, model, body, path="infer", wanted=200):
        status, headers, text = self.offer.ask("POST", f"/v2/models/{model}/{path}", body)
        assert status == wanted, f"{status} {text}"
        return headers["x-request-id"], json.loads(text)

    def refused(self, model, body, status):
        """Its sentence, which comes as the protocol has it."""
        _, answer = self.ask(model, body, wanted=status)
        assert isinstance(answer["error"], str) and answer["error"], answer
        return answer["error"]

    def infer(self, model, name, numbers, datatype, output, binary):
        tensor = tritonclient.http.InferInput(name, numbers.shape, datatype)
        tensor.set_data_from_numpy(numbers, binary_data=binary)
        wanted = tritonclient.http.InferRequestedOutput(output, binary_data=binary)
        # The client keeps the length of one call's JSON in the headers that it is given.
        answer = self.client.infer(model, [tensor], outputs=[wanted], headers=dict(self.bearer))
        return answer.as_numpy(output)


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def direct(server, model, body):
    status, _, text = http("POST", f"{server.url}/v2/models/{model}/infer", body)
    assert status == 200, f"{status} {text}"
    return json.loads(text)["outputs"]


def prediction(s):
    request_id, answer = s.ask(s.iris, asked())
    equal(answer["outputs"], direct(s.mlserver, "iris", asked()))
    equal([row for output in answer["outputs"] for row in output["data"]], [0, 1, 2])
    event = s.offer.event(request_id)
    equal((event["operation"], event["outcome"], event["estimated"]), ("predict", "ok", False))
    billed(event)
    units = event["units"]
    assert units["rows"] == 3 and 1 <= units["compute_ms"] <= event["duration_ms"] + 1, event
    return f"{units['rows']} rows, {units['compute_ms']} ms of work"


def metadata(s):
    for server, name, ours in ((s.mlserver, "iris", s.iris), (s.triton, "twice", s.twice)):
        wanted = json.loads(http("GET", f"{server.url}/v2/models/{name}")[2])
        got = s.client.get_model_metadata(ours, headers=s.bearer)
        equal(got, {**wanted, "name": ours})
    equal(s.offer.ask("GET", "/v2/models/predict/none")[0], 404)


def versions(s):
    body = asked("x", (1, 2), "FP32", [1, 2])
    _, answer = s.ask(s.twice, body, "versions/1/infer")
    equal(answer["outputs"][0]["data"], [2, 4])
    _, answer = s.ask(s.twice, body, "versions/9/infer", 404)
    return answer["error"]


def server_health(s):
    assert s.client.is_server_live() and s.client.is_server_ready()
    return s.client.get_server_metadata(headers=s.bearer)["name"]


def ready(s):
    for model in (s.iris, s.twice):
        equal(s.offer.ask("GET", f"/v2/models/{model}/ready")[0], 200)
        assert s.client.is_model_ready(model, headers=s.bearer), model
    equal(s.offer.ask("GET", "/v2/models/predict/none/ready")[0], 404)


def own_refusal(s):
    # MLServer knows the protocol's types, and answers in a shape of its own.
    return s.refused(s.iris, asked(datatype="FP65"), 400)


def own_failure(s):
    # MLServer fails at what does not fit the model, and answers with its stack.
    said = s.refused(s.iris, asked(shape=(1, 3), data=[1.0, 2.0, 3.0]), 502)
    assert "Traceback" not in said and "site-packages" not in said, said
    return said


def wrong_shape(s):
    # What is wrong whatever the model is refused before a server has it.
    return s.refused(s.iris, asked(shape=(2, 4), data=[5.1, 3.5, 1.4]), 400)


def triton_refusal(s):
    for body in (asked("z", (1, 2), "FP32", [1, 2]), asked("x", (1, 2), "FP64", [1, 2]),
                 asked("x", (20, 1), "FP32", [1] * 20)):
        said = s.refused(s.twice, body, 400)
        wanted = http("POST", f"{s.triton.url}/v2/models/twice/infer", body)
        equal((wanted[0], said), (400, json.loads(wanted[2])["error"]))
    return said


def unknown(s):
    s.refused("predict/none", asked(), 404)
    return s.refused(s.lost, asked(), 502)


def client_json(s):
    numbers = numpy.array([[1, 2], [3, 4]], dtype=numpy.float32)
    answer = s.infer(s.twice, "x", numbers, "FP32", "y", binary=False)
    equal(answer.tolist(), [[2, 4], [6, 8]])


def client_raw(s):
    numbers = numpy.random.default_rng(1).normal(size=(8, 1000)).astype(numpy.float32)
    answer = s.infer(s.twice, "x", numbers, "FP32", "y", binary=True)
    assert answer.dtype == numpy.float32 and numpy.array_equal(answer, numbers * 2)
    return f"{numbers.nbytes} bytes each way"


def generated(s):
    request_id, answer = s.ask(s.shout, {"text_input": "hello world"}, "generate")
    equal(answer["text_output"], "HELLO WORLD")
    event = s.offer.event(request_id)
    # It tells no usage: counted here, and said to be.
    equal((event["operation"], event["estimated"]), ("chat", True))
    assert billed(event)["output"] > 0, event
    status, headers, text = s.offer.ask("POST", f"/v2/models/{s.shout}/generate_stream",
                                        {"text_input": "hello world"})
    equal((status, headers.get_content_type()), (200, "text/event-stream"))
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    equal([event["text_output"] for event in events], ["HELLO WORLD"])


def client_error(s):
    try:
        s.infer(s.twice, "z", numpy.zeros((1, 1), numpy.float32), "FP32", "y", binary=False)
    except InferenceServerException as error:
        assert "'z'" in error.message(), error
        return error.message()
    raise AssertionError("nothing was raised, wanted InferenceServerException")


CHECKS = [
    ("a prediction through the gateway is the model's own, recorded and billed", prediction),
    ("a model is described as its server does it, under our name", metadata),
    ("a model is ready, and one that is not there is not", ready),
    ("a version that is there answers, and one that is not is a 404", versions),
    ("the gateway is a server of the protocol itself", server_health),
    ("MLServer's refusal of a tensor reaches the caller as the protocol's error", own_refusal),
    ("a tensor that is not what its shape says is refused with its place", wrong_shape),
    ("MLServer's failure becomes one of ours, without its stack", own_failure),
    ("Triton's refusals reach the caller in its own words", triton_refusal),
    ("a model that is not there is a 404, and one that its server lacks a 502", unknown),
    ("Triton's own client gets predictions as JSON", client_json),
    ("Triton's own client sends and gets raw tensors", client_raw),
    ("Triton's text generation passes, whole and streamed", generated),
    ("Triton's own client raises its own exception", client_error),
]


def main():
    t = Tests()
    with servers.mlserver() as mlserver, servers.triton() as triton:
        mlserver.wait()
        s = Predict(mlserver, triton.wait())
        for name, check in CHECKS:
            t.check(name, lambda: check(s))
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
