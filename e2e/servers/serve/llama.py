#!/usr/bin/env python3
"""llama.cpp's own server: `llama.py MODEL NAME chat|embedding`. Its first line is its address."""

import signal
import sys

import xllamacpp


def main():
    model, name, kind = sys.argv[1:]
    settings = xllamacpp.CommonParams()
    settings.model.path, settings.model_alias = model, {name}
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.n_ctx, settings.n_parallel = (16_384, 4) if kind == "chat" else (2_048, 1)
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_threads_http, settings.warmup, settings.ui = 8, False, False
    settings.endpoint_metrics = settings.endpoint_slots = True
    if kind == "embedding":
        settings.embedding = True
        settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
