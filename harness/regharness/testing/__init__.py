"""Contract tests and builders for plugin authors: subclass a contract, override its ``make_...`` method.

Needs pytest, which ``pip install "regharness[test]"`` brings.
"""

from regharness.testing.builders import make_batch, make_dataset
from regharness.testing.data_contract import DataGeneratorContract
from regharness.testing.executor_contract import ExecutorContract
from regharness.testing.metric_contract import MetricContract
from regharness.testing.model_contract import ModelAdapterContract
from regharness.testing.shift_contract import ShiftOperatorContract

__all__ = [
    "DataGeneratorContract",
    "ExecutorContract",
    "MetricContract",
    "ModelAdapterContract",
    "ShiftOperatorContract",
    "make_batch",
    "make_dataset",
]
