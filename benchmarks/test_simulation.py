"""What simulated sequences cost: a whole data set, and planting alone against two libraries that do only that.

Planting is on one thread: the same number of sequences of 200 bp, with four instances each. Ours and simdna's are
drawn from their motifs, on either strand, at random places that do not overlap; ersatz, of tangermeme, puts the same
four words at the same places of every sequence, which is less.
"""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

import regharness as rh
from regharness_motifs.library import load_motifs
from regharness_sim.background import CHUNK, Background, cpg_chain

N, LENGTH, INSTANCES, MOTIFS = 4_096, 200, 4, 20
STREAMED = 100_000
# Linux's own high-water mark of this process: getrusage would begin with that of the process which starts it.
MILLION = """
import json, re, sys, time
from pathlib import Path
import regharness as rh

parameters = json.loads(sys.argv[1])
small = {**parameters, "train": 100}
for _ in rh.data("simulated_mpra", **small).stream(0):
    pass
start = time.perf_counter()
n = sum(len(batch) for batch in rh.data("simulated_mpra", **parameters).stream(0))
seconds = time.perf_counter() - start
peak = re.search(r"VmHWM:\\s*([0-9]+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([n / seconds, int(peak) / 1024]))
"""


def parameters(train):
    names = load_motifs().names[:MOTIFS]
    return {"train": train, "motif_names": list(names), "cell_types": ["a", "b", "c"], "replicates": 3}


def exhaust(generator):
    return sum(len(batch) for batch in generator.stream(0))


@pytest.mark.benchmark(group=f"{STREAMED:,} sequences with labels and 3 x 3 counts")
@pytest.mark.parametrize("threads", [1, 2])
def test_stream(benchmark, monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    generator = rh.data("simulated_mpra", **parameters(STREAMED))
    assert benchmark.pedantic(exhaust, (generator,), rounds=3, warmup_rounds=1) == STREAMED


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory that Linux states")
@pytest.mark.benchmark(group="a million sequences with labels and 3 x 3 counts, on 2 threads, in its own process")
def test_a_million_sequences_stream_in_less_than_a_gigabyte(benchmark, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    words = [sys.executable, "-c", MILLION, json.dumps(parameters(1_000_000))]
    run = {"check": True, "capture_output": True, "text": True}
    done = benchmark.pedantic(subprocess.run, (words,), run, rounds=1)
    rate, peak = json.loads(done.stdout)
    benchmark.extra_info.update({"sequences_per_second": rate, "peak_mebibytes": peak})
    with capsys.disabled():
        print(f"\na million sequences: {rate:,.0f} a second, at most {peak:,.0f} MiB")
    assert peak < 1024


def our_planting():
    motifs = load_motifs().chosen(load_motifs().names[:MOTIFS])
    background = Background(
        length=LENGTH,
        gc_mean=0.47,
        gc_sd=0.08,
        chain=cpg_chain(0.6),
        # So many are wanted that the most allowed are planted in every sequence.
        motif_density=50.0,
        max_motifs=INSTANCES,
        usage=np.full(MOTIFS, 1 / MOTIFS),
        forward=np.full(MOTIFS, 0.5),
    )
    return lambda: background.draw(CHUNK, motifs, 0, "bench", 0)


def planting_by_simdna():
    with warnings.catch_warnings():
        # It finds its own files through pkg_resources, which setuptools deprecates.
        warnings.simplefilter("ignore")
        from simdna import pwm, synthetic
    embedders = []
    for name, matrix in list(zip(load_motifs().names, load_motifs().matrices, strict=True))[:MOTIFS]:
        motif = pwm.PWM(name)
        motif.addRows(matrix)
        drawn = synthetic.PwmSampler(motif.finalise())
        embedders.append(synthetic.SubstringEmbedder(synthetic.ReverseComplementWrapper(drawn)))
    some = synthetic.RandomSubsetOfEmbedders(synthetic.FixedQuantityGenerator(INSTANCES), embedders)
    one = synthetic.EmbedInABackground(synthetic.ZeroOrderBackgroundGenerator(LENGTH), [some])
    return lambda: list(synthetic.GenerateSequenceNTimes(one, N).generateSequences())


def planting_by_ersatz(packed):
    from tangermeme.ersatz import multisubstitute
    from tangermeme.utils import random_one_hot

    words = ["".join("ACGT"[base] for base in matrix.argmax(axis=1)) for matrix in load_motifs().matrices[:INSTANCES]]

    def plant():
        background = random_one_hot((N, 4, LENGTH), random_state=0, return_packed=packed)
        return multisubstitute(background, words, 20)

    return plant


@pytest.mark.benchmark(group=f"planting {INSTANCES} motif instances in {N:,} sequences of {LENGTH} bp")
class TestPlanting:
    def test_ours(self, benchmark):
        _, planted = benchmark.pedantic(our_planting(), rounds=5, warmup_rounds=1)
        assert len(planted.count) == N
        assert (planted.count == INSTANCES).all()

    def test_simdna(self, benchmark):
        drawn = benchmark.pedantic(planting_by_simdna(), rounds=3)
        assert len(drawn) == N
        assert np.mean([len(sequence.embeddings) for sequence in drawn]) > INSTANCES - 0.1

    @pytest.mark.parametrize("packed", [False, True], ids=["one_hot", "packed"])
    def test_ersatz_of_tangermeme(self, benchmark, packed):
        drawn = benchmark.pedantic(planting_by_ersatz(packed), rounds=3, warmup_rounds=1)
        assert drawn.shape == (N, 4, LENGTH)
