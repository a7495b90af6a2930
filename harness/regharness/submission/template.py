"""Write what someone without the harness needs to take part: every test set without targets, and how to answer.

No number that was measured of a test example goes in, nor anything that follows from one.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import jinja2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness.catalog import Catalog
from regharness.errors import InputError
from regharness.examples import Examples
from regharness.inputs_digest import InputsDigest
from regharness.interfaces import ALPHABET, SequenceBatch
from regharness.plan import make_task
from regharness.plan_filters import matches, parsed_filters
from regharness.run_folder import Run
from regharness.run_scores import Step
from regharness.scoring import BLOCK
from regharness.storage import storing, unfinished
from regharness.submission.benchmark import Benchmark, BenchmarkTask, benchmark_of

README = "README.md"
BENCHMARK = "benchmark.json"
INPUTS = "inputs.csv"
TRAINING = "training.csv"
CARD = "card.yaml"

KEYS = ("task", "shift", "seed", "id")
"""Columns that tell an example of a test set from all others."""
SPLITS = ("train", "calibration")


@dataclass
class Written:
    """What a template holds.

    Attributes
    ----------
    examples, training
        Rows of its two tables.
    """

    examples: int = 0
    training: int = 0


@dataclass
class _Seen:
    """Digests of the sequences that are tested in a task, by seed."""

    by_seed: dict[int, list[NDArray[np.uint64]]] = field(default_factory=dict)

    def add(self, seed: int, sequences: NDArray[Any]) -> None:
        self.by_seed.setdefault(seed, []).append(np.unique(_hashes(sequences)))

    def elsewhere(self, seed: int, sequences: NDArray[Any]) -> int:
        """How many of the training sequences of a seed are tested for another seed."""
        others = [part for other, parts in self.by_seed.items() if other != seed for part in parts]
        return int(np.isin(_hashes(sequences), np.concatenate(others)).sum()) if others else 0


def write_template(
    run: Run,
    target: Path,
    catalog: Catalog,
    only: Iterable[str] = (),
    *,
    training: bool = False,
    step: Step = lambda what, done, total: None,
) -> Written:
    """Write the template of a benchmark; test sets are made again, one block of examples at a time.

    Parameters
    ----------
    run
        What the benchmark is.
    target
        Where to.
    catalog
        What is installed.
    only
        ``KEY=GLOB`` filters on task, shift and seed, for a part of the inputs.
    training
        Whether training and calibration examples go in, with their targets.
    step
        Told ``("making test sets", done, in all)``.

    Raises
    ------
    InputError
        When a test set is not what the run had, nothing is left, or a training example is one of a test set of another
        seed, so that its target would be given away.
    """
    benchmark, filters = benchmark_of(run), parsed_filters(only, ("task", "shift", "seed"))
    tasks = {
        entry.name: make_task(entry, catalog)
        for entry in run.spec.tasks
        if "task" not in filters or matches(entry.name, filters["task"])
    }
    writer = _Writer(benchmark, Examples(tasks, streaming=True), filters, step)
    parts = [benchmark.task(name) for name in tasks]
    part = unfinished(target)
    try:
        with storing(target):
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(_member(README), _text("readme.md.jinja", benchmark, training))
                archive.writestr(_member(CARD), _text("card.yaml.jinja", benchmark, training))
                archive.writestr(_member(BENCHMARK), benchmark.model_dump_json(by_alias=True, indent=1))
                with archive.open(_member(INPUTS), "w", force_zip64=True) as file:
                    written = writer.inputs(file, [task for task in parts if task is not None], training)
                if not written.examples:
                    raise InputError("no test set is left to be written", help="loosen --only")
                if training:
                    with archive.open(_member(TRAINING), "w", force_zip64=True) as file:
                        written.training = writer.training(file)
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return written


class _Writer:
    """Write the tables of a template."""

    def __init__(self, benchmark: Benchmark, examples: Examples, filters: dict[str, list[str]], step: Step) -> None:
        self._benchmark, self._examples, self._filters, self._step = benchmark, examples, filters, step
        self._seen: dict[str, _Seen] = {}

    def inputs(self, file: IO[bytes], tasks: list[BenchmarkTask], all_of_them: bool) -> Written:
        """Write the chosen test sets; with `all_of_them` the others are looked at too."""
        _header(file, (*KEYS, "sequence"))
        written, done = Written(), 0
        sets = [(task, seed, shift) for task in tasks for seed in self._benchmark.seeds for shift in task.shifts]
        for task, seed, shift in sets:
            self._step("making test sets", done, len(sets))
            done += 1
            chosen = self._chosen("shift", shift) and self._chosen("seed", seed)
            if not (chosen or all_of_them):
                continue
            for batch, letters in self._checked(task, seed, shift):
                if all_of_them:
                    self._seen.setdefault(task.name, _Seen()).add(seed, letters)
                if chosen:
                    _rows(file, {**_of(task.name, shift, seed, len(batch)), "id": batch.ids, "sequence": letters})
                    written.examples += len(batch)
        self._step("making test sets", done, len(sets))
        return written

    def training(self, file: IO[bytes]) -> int:
        """Write training and calibration examples of the chosen tasks and seeds, with their targets."""
        outputs = list(dict.fromkeys(output for task in self._benchmark.tasks for output in task.outputs))
        names = {output: "target" if len(outputs) == 1 else f"target:{output}" for output in outputs}
        _header(file, ("task", "seed", "split", "id", "sequence", *names.values()))
        written = 0
        for name, seen in self._seen.items():
            for seed in filter(lambda one: self._chosen("seed", one), self._benchmark.seeds):
                dataset = self._examples.dataset(name, seed)
                for split in SPLITS:
                    batch: SequenceBatch = getattr(dataset, split)
                    letters = _letters(batch.sequence)
                    _refuse_told(name, seed, seen.elsewhere(seed, letters))
                    columns: dict[str, Any] = {"task": name, "seed": seed, "split": split}
                    columns |= {"id": batch.ids, "sequence": letters, **dict.fromkeys(names.values(), np.nan)}
                    assert batch.target is not None
                    for j, output in enumerate(batch.outputs):
                        columns[names[output]] = batch.target[:, j]
                    _rows(file, columns)
                    written += len(batch)
        return written

    def _checked(self, task: BenchmarkTask, seed: int, shift: str) -> Iterator[tuple[SequenceBatch, NDArray[Any]]]:
        """The blocks of a test set, which must be in all what the run had."""
        digest = InputsDigest()
        for batch in self._examples.walked(task.name, seed, shift).blocks(BLOCK):
            digest.add(batch)
            yield batch, _letters(batch.sequence)
        stated = next(entry for entry in task.test_sets[shift] if entry.seed == seed)
        if digest.hexdigest() != stated.inputs_sha256:
            raise InputError(
                f"the test set of task '{task.name}', {shift}, seed {seed} is not the one that the run had",
                help="its data, or what makes them, have changed since; run the spec again into another folder with -o",
            )

    def _chosen(self, what: str, label: Any) -> bool:
        return what not in self._filters or matches(label, self._filters[what])


def _refuse_told(task: str, seed: int, number: int) -> None:
    if number:
        raise InputError(
            f"task '{task}': {number:,} training examples of seed {seed} are test examples of another seed, "
            "so their targets would be given away",
            help="leave out --training: who takes part has training data of their own; or give the benchmark one seed",
        )


def _of(task: str, shift: str, seed: int, length: int) -> dict[str, Any]:
    return {"task": np.full(length, task, dtype=object), "shift": shift, "seed": seed}


def _header(file: IO[bytes], names: Iterable[str]) -> None:
    file.write(pd.DataFrame(columns=list(names)).to_csv(index=False, lineterminator="\n").encode())


def _rows(file: IO[bytes], columns: dict[str, Any]) -> None:
    file.write(pd.DataFrame(columns).to_csv(index=False, header=False, lineterminator="\n").encode())


def _letters(sequence: NDArray[np.uint8]) -> NDArray[Any]:
    """Codes ``(example, position)`` as texts ``(example,)``."""
    codes = np.frombuffer(ALPHABET.encode(), np.uint8)[sequence]
    texts: NDArray[Any] = np.ascontiguousarray(codes).view(f"S{codes.shape[1]}")[:, 0].astype(str).astype(object)
    return texts


def _hashes(sequences: NDArray[Any]) -> NDArray[np.uint64]:
    hashes: NDArray[np.uint64] = pd.util.hash_array(sequences, categorize=False)
    return hashes


def _member(name: str) -> zipfile.ZipInfo:
    """A file of the template, of no time, so that equal content gives equal bytes."""
    member = zipfile.ZipInfo(name)
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return member


def _text(name: str, benchmark: Benchmark, training: bool) -> str:
    """A text of the template, written for its benchmark."""
    texts = jinja2.Environment(
        loader=jinja2.PackageLoader("regharness.submission", "texts"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    several = {
        "task": len(benchmark.tasks) > 1,
        "shift": any(len(task.shifts) > 1 for task in benchmark.tasks),
        "seed": len(benchmark.seeds) > 1,
    }
    outputs = {task.name: task.outputs for task in benchmark.tasks}
    return texts.get_template(name).render(
        benchmark=benchmark,
        training=training,
        keys=[name for name in KEYS if several.get(name, True)],
        outputs=list(dict.fromkeys(output for task in benchmark.tasks for output in task.outputs)),
        outputs_of=outputs,
        wide=any(len(names) > 1 for names in outputs.values()),
    )
