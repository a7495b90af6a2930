"""A plugin of its own distribution. Importing it loads no framework: the parts are named, not imported."""

import click

from regharness import Component, hookimpl


@hookimpl
def regharness_model_adapters():
    return {
        "nearest_kmer_profile": Component(
            "regharness_example.model:NearestKmerProfile",
            summary="Mean target of the nearest training sequences by dinucleotide profile.",
        )
    }


@hookimpl
def regharness_shift_operators():
    return {
        "poly_a_tail": Component(
            "regharness_example.parts:PolyATail", summary="The 3' end overwritten with A, as by a cloning scar."
        )
    }


@hookimpl
def regharness_metrics():
    return {
        "sign_accuracy": Component(
            "regharness_example.parts:SignAccuracy", summary="Share of examples whose sign is predicted."
        )
    }


@hookimpl
def regharness_data_generators():
    return {"gc_ladder": "regharness_example.parts:GCLadder"}


@hookimpl
def regharness_uncertainty_methods():
    return {"unit_variance": "regharness_example.parts:UnitVariance"}


@hookimpl
def regharness_executors():
    return {"reversed": "regharness_example.parts:Reversed"}


@hookimpl
def regharness_reports():
    return {"summary": "regharness_example.parts:Summary"}


@hookimpl
def regharness_commands(cli):
    @click.command()
    def hello():
        """Greet, to show that a plugin can add a verb."""
        click.echo("hello from regharness-example")

    cli.add_command(hello)


@hookimpl
def regharness_run_started(folder, cells, done):
    (folder / "heard.txt").write_text(f"started {cells} {done}\n")


@hookimpl
def regharness_cell_started(task, model, shift, seed, worker):
    pass


@hookimpl
def regharness_cell_finished(task, model, shift, seed, status):
    pass


@hookimpl
def regharness_test_set_finished(task, shift, seed, status):
    pass


@hookimpl
def regharness_cell_lost(task, model, shift, seed, reason, worker, again):
    pass


@hookimpl
def regharness_run_finished(folder, failed, interrupted):
    with (folder / "heard.txt").open("a") as file:
        file.write(f"finished {failed} {interrupted}\n")


@hookimpl
def regharness_scoring_finished(run, files):
    with (run.folder / "heard.txt").open("a") as file:
        file.write(f"scored {' '.join(sorted(path.name for path in files))}\n")
