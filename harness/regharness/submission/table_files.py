"""Read a table of predictions from CSV or Parquet, as it stands there. Judges nothing in it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regharness.errors import InputError
from regharness.submission.table_columns import OUTPUT
from regharness.submission.template import KEYS

TEXTS = ("task", "shift", "id", OUTPUT)
EMPTY = ["", "NA", "N/A", "NaN", "nan", "null", "None"]
"""What stands for no number."""


@dataclass(frozen=True)
class Table:
    """A table, and how its rows are numbered.

    Attributes
    ----------
    frame
        Texts, as ``str`` without missing ones, and numbers.
    first
        What the reader calls its first row: 2 below the header of a text file, 1 in Parquet.
    """

    frame: pd.DataFrame
    first: int

    def rows(self, mask: NDArray[np.bool_], most: int = 5) -> str:
        """Rows in words, the first of them by number."""
        found = np.flatnonzero(mask)
        told = ", ".join(f"{place + self.first:,}" for place in found[:most])
        more = f" and {len(found) - most:,} more" if len(found) > most else ""
        return f"row{'s' if len(found) > 1 else ''} {told}{more}"


def read_table(path: Path) -> Table:
    """A table in a file called ``.csv``, ``.csv.gz`` or ``.parquet``.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            return Table(_texts(_csv(path)), 2)
        if name.endswith(".parquet"):
            return Table(_texts(pd.read_parquet(path)), 1)
    except ImportError:
        raise InputError(
            f"{path}: a package that Parquet needs is missing", help="pip install 'regharness[parquet]', or write CSV"
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}", help="give the table of predictions"
        ) from None
    except (ValueError, EOFError, zlib.error) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path} is no table: {told}", help="write it with pandas, or any other program") from None
    raise InputError(f"{path} is neither .csv, .csv.gz nor .parquet", help="give it the name of what it is")


def _csv(path: Path) -> pd.DataFrame:
    # A spreadsheet writes a mark before the first column.
    how: dict[str, Any] = {"encoding": "utf-8-sig", "low_memory": False, "keep_default_na": False}
    names = list(pd.read_csv(path, nrows=0, **how).columns)
    numbers = {name: EMPTY for name in names if name not in (*TEXTS, "sequence")}
    return pd.read_csv(path, dtype={name: str for name in names if name in TEXTS}, na_values=numbers, **how)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    frame.columns = [str(name) for name in frame.columns]
    held = [name for name in (*KEYS, OUTPUT) if name in frame.columns and name in TEXTS]
    return frame.assign(**{name: frame[name].astype("string").fillna("").to_numpy(object) for name in held})
