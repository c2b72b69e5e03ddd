#!/usr/bin/env python3
"""Trains a classifier on scikit-learn's own irises and lays it out for MLServer: `classifier.py
FOLDER HTTP_PORT GRPC_PORT METRICS_PORT`."""

import json
import os
import sys

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

SHAPE = [{"name": "flower", "datatype": "FP64", "shape": [-1, 4]}]
GIVEN = [{"name": "predict", "datatype": "INT64", "shape": [-1, 1]}]


def main():
    folder, http, grpc, metrics = sys.argv[1], *map(int, sys.argv[2:])
    os.makedirs(folder, exist_ok=True)
    flowers = load_iris()
    model = LogisticRegression(max_iter=500).fit(flowers.data, flowers.target)
    joblib.dump(model, os.path.join(folder, "iris.joblib"))
    about = {"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel",
             "inputs": SHAPE, "outputs": GIVEN,
             "parameters": {"uri": "./iris.joblib", "version": "v1"}}
    server = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics,
              "parallel_workers": 0}
    for name, what in (("model-settings.json", about), ("settings.json", server)):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(what, f)


if __name__ == "__main__":
    main()
