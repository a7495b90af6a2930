"""Own the scales in which a network sees targets and features. Trains nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

PREFIX = "scale."


@dataclass(frozen=True)
class Scales:
    """Mean and standard deviation of the training targets ``(output,)`` and features ``(feature,)``, float64.

    A standard deviation of zero counts as one, so that what never varies stays at zero.
    """

    target_mean: NDArray[np.float64]
    target_sd: NDArray[np.float64]
    feature_mean: NDArray[np.float64]
    feature_sd: NDArray[np.float64]

    @classmethod
    def of(cls, target: NDArray[np.float32], features: NDArray[np.float32]) -> Scales:
        """Learn them from ``(example, output)`` and ``(example, feature)``."""
        moments = []
        for values in (target, features):
            sd = values.std(axis=0, dtype=np.float64)
            moments += [values.mean(axis=0, dtype=np.float64), np.where(sd > 0, sd, 1.0)]
        return cls(*moments)

    def targets(self, target: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised targets."""
        return ((target - self.target_mean) / self.target_sd).astype(np.float32)

    def features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised features."""
        return ((features - self.feature_mean) / self.feature_sd).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """By the names that they are stored under."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float64]]) -> Scales:
        """What `arrays` gave."""
        return cls(**{field.name: arrays[PREFIX + field.name] for field in fields(cls)})
