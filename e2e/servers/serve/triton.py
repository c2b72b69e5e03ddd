#!/usr/bin/env python3
"""NVIDIA's Triton with two small models in Python: `triton.py HTTP_PORT GRPC_PORT METRICS_PORT`."""

import signal
import sys

import numpy
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


@batch
def twice(x):
    return [x * 2]


@batch
def shout(text_input):
    return [numpy.char.encode(numpy.char.upper(numpy.char.decode(text_input.astype(bytes), "utf-8")), "utf-8")]


def main():
    http, grpc, metrics = map(int, sys.argv[1:])
    host = "127.0.0.1"
    config = TritonConfig(http_address=host, http_port=http, grpc_address=host, grpc_port=grpc,
                          metrics_address=host, metrics_port=metrics)
    limits = ModelConfig(max_batch_size=8, batcher=DynamicBatcher(max_queue_delay_microseconds=1000))
    with Triton(config=config) as triton:
        triton.bind(model_name="twice", infer_func=twice, config=limits,
                    inputs=[Tensor(name="x", dtype=numpy.float32, shape=(-1,))],
                    outputs=[Tensor(name="y", dtype=numpy.float32, shape=(-1,))])
        triton.bind(model_name="shout", infer_func=shout, config=limits,
                    inputs=[Tensor(name="text_input", dtype=bytes, shape=(1,))],
                    outputs=[Tensor(name="text_output", dtype=bytes, shape=(1,))])
        triton.run()
        print(f"http://{host}:{http}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
