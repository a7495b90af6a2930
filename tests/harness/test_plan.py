import hashlib
import pickle

from builders import spec, write

from regharness.jobs import Job
from regharness.plan import make_plan
from regharness.spec_loading import load


def planned(toys, folder, **changes):
    return make_plan(load(write(folder, spec(**changes)), toys), toys)


def test_cells_and_test_sets_are_jobs(toys, tmp_path):
    plan = planned(toys, tmp_path)
    jobs = [*plan.cells, *plan.test_sets]
    assert all(isinstance(job, Job) for job in jobs)
    assert len({hash(job) for job in jobs}) == 16 + 8


def test_a_test_set_is_one_of_each_task_seed_and_shift(toys, tmp_path):
    sets = planned(toys, tmp_path).test_sets
    labels = ("identity", "offset@1", "offset@3", "half@1")
    assert [(made.task, made.seed, made.shift) for made in sets] == [
        ("t", s, label) for s in (0, 1) for label in labels
    ]


def test_labels_name_the_job(toys, tmp_path):
    plan = planned(toys, tmp_path)
    assert plan.cells[1].label == "t: constant, offset@1, seed 0"
    assert plan.test_sets[1].label == "t: test set of offset@1, seed 0"


def test_cells_of_a_task_and_seed_share_their_examples_and_those_of_a_model_its_fit(toys, tmp_path):
    plan = planned(toys, tmp_path)
    assert {cell.examples for cell in plan.cells} == {"t/0", "t/1"}
    trained = [cell.fit for cell in plan.cells if cell.model == "constant"]
    given = [cell.fit for cell in plan.cells if cell.model == "oracle"]
    assert (len(set(trained)), len(set(given))) == (2, 1)


def test_a_cell_comes_back_from_pickle_equal_and_small(toys, tmp_path):
    cell = planned(toys, tmp_path).cells[0]
    text = pickle.dumps(cell)
    assert pickle.loads(text) == cell
    # Two keys of 64 digits, and names.
    assert len(text) < 300


def test_every_part_of_a_key_but_the_seed_has_its_facts(toys, tmp_path):
    model = {"name": "m", "use": "constant", "uncertainty": {"use": "add_variance"}}
    plan = planned(toys, tmp_path, models=[model])
    parts = plan.cells[0].parts
    assert parts.keys() == {"data", "shift", "model", "uncertainty", "seed", "regharness"}
    assert all(parts[part] in plan.facts for part in parts.keys() - {"seed"})


def test_facts_hold_parameters_by_name_and_files_by_content(toys, tmp_path):
    (tmp_path / "value.txt").write_text("1.0")
    plan = planned(toys, tmp_path, models=[{"name": "m", "use": "from_file", "with": {"path": "value.txt"}}])
    facts = plan.facts[plan.cells[0].parts["model"]]
    assert facts["with"] == {"path": hashlib.sha256(b"1.0").hexdigest()}
    assert facts["about"]["files"] == {"path": str(tmp_path / "value.txt")}


def test_adding_a_model_changes_no_other_key(toys, tmp_path):
    one = planned(toys, tmp_path)
    models = [{"name": "new", "use": "quantiled"}, *spec()["models"]]
    two = planned(toys, tmp_path, models=models)
    assert {cell.key for cell in one.cells} < {cell.key for cell in two.cells}
    assert one.test_sets == two.test_sets


def test_keys_differ_wherever_results_may(toys, tmp_path):
    tasks = [{"name": name, "data": {"use": "toy"}, "shifts": [{"use": "offset"}]} for name in ("t", "u")]
    plan = planned(toys, tmp_path, tasks=tasks)
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    assert len({made.key for made in plan.test_sets}) == len(plan.test_sets)
