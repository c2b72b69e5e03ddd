#!/usr/bin/env python3
"""Makes a small language model of llama's architecture with weights at random: `chat.py FILE`. It
says nothing sensible, but it is loaded, prompted, sampled and counted as any other."""

import random
import sys

import gguf

NAME, CONTEXT = "tollgate-tiny", 16_384
WIDTH, LAYERS, HEADS, INNER = 256, 4, 4, 768
UNKNOWN, CONTROL, NORMAL, DEFINED, BYTE = 2, 3, 1, 4, 6
ACT, CALL, END = "<|act|>", "<tool_call>", "</s>"
# After the one comes the other: where tools are offered the model calls one, and then it ends.
FOLLOWS = [(ACT, CALL), (">", END)]
WORDS = "the a of and to in is it model gateway token hello world".split()
LETTERS = [chr(code) for code in range(33, 127)]

# Tools are described and called as Qwen's and Hermes' models do it, which the server understands.
TEMPLATE = """\
{%- if tools %}<|system|>
Call a tool as <tool_call>{"name": …, "arguments": …}</tool_call>. Tools:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
{% endif %}
{%- for message in messages %}<|{{ message.role }}|>
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}</s>
{% endfor %}
{%- if add_generation_prompt %}<|assistant|>
{% if tools and messages[-1].role != 'tool' %}<|act|>{% endif %}
{%- endif %}"""


def vocabulary():
    """(text, kind, how much it is liked): whole words and letters rather than single bytes, and
    the end hardly ever, so that an answer is as long as it may be."""
    rows = [("<unk>", UNKNOWN, -4.0), ("<s>", CONTROL, -4.0), (END, CONTROL, -4.0)]
    rows += [(f"<0x{byte:02X}>", BYTE, -4.0) for byte in range(256)]
    rows += [(ACT, CONTROL, -4.0), (CALL, DEFINED, -4.0)]
    rows += [("\u2581" + word, NORMAL, 0.3) for word in WORDS]
    rows += [("\u2581", NORMAL, -4.0)]
    liked = lambda letter: 0.2 if letter.isalpha() else -4.0 if letter == ">" else 0.0
    return rows + [(letter, NORMAL, liked(letter)) for letter in LETTERS]


def table(rows, seed, spread, first, marks):
    """A row of `WIDTH` numbers at random for each token, but for the first ones: how much it is
    liked, and for each pair that goes together one of its own."""
    chance = random.Random(seed)
    values = []
    for row in rows:
        values += [first(row), *(mark if row[0] == name else 0.0 for name, mark in marks)]
        values += [chance.gauss(0, spread) for _ in range(WIDTH - 1 - len(marks))]
    return gguf.floats(values)


def main():
    rows = vocabulary()
    count = len(rows)
    settings = {
        "general.architecture": "llama", "general.name": NAME,
        "llama.context_length": CONTEXT, "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS, "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS, "llama.vocab_size": count,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [text for text, _, _ in rows],
        "tokenizer.ggml.scores": [-float(place) for place in range(count)],
        "tokenizer.ggml.token_type": [kind for _, kind, _ in rows],
        "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
    }
    # The first number of every token is the same and large; that of the output is then a liking
    # that holds whatever was said before.
    embedding = table(rows, 1, 0.5, lambda row: 4.0, [(one, 30.0) for one, _ in FOLLOWS])
    output = table(rows, 2, 0.05, lambda row: row[2], [(other, 2.0) for _, other in FOLLOWS])
    ones = gguf.floats([1.0] * WIDTH)
    tensors = [("token_embd.weight", (count, WIDTH), embedding),
               ("output_norm.weight", (WIDTH,), ones),
               ("output.weight", (count, WIDTH), output)]
    for layer in range(LAYERS):
        shapes = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH, WIDTH), "attn_v": (WIDTH, WIDTH),
                  "attn_output": (WIDTH, WIDTH), "ffn_gate": (INNER, WIDTH),
                  "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER)}
        tensors += [(f"blk.{layer}.{norm}.weight", (WIDTH,), ones) for norm in ("attn_norm", "ffn_norm")]
        for name, shape in shapes.items():
            weights = gguf.noise(f"{layer} {name}", shape[0] * shape[1], 0.05)
            tensors.append((f"blk.{layer}.{name}.weight", shape, weights))
    gguf.write(sys.argv[1], settings, tensors)


if __name__ == "__main__":
    main()
