"""What tests of real data ask of splits, found without the code under test."""

import os

import pytest

real_data = pytest.mark.skipif("REGHARNESS_DATA_DIR" not in os.environ, reason="REGHARNESS_DATA_DIR is not set")


def other_strand(sequence):
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def long_words(batch):
    """Every 32-mer and its reverse complement, found without the code under test."""
    texts = ["".join("ACGTN"[base] for base in row) for row in batch.sequence]
    found = {text[i : i + 32] for text in texts for i in range(len(text) - 31)}
    return {min(word, other_strand(word)) for word in found if "N" not in word}


def everything(data):
    return [data.train, data.calibration, data.test, *data.held_out.values()]


def trained_on(data):
    return [data.train, data.calibration, data.test]
