"""Sum what a block's moments need, in one compiled pass. Owns no definition of a metric and no edge case.

Only ordinary blocks are summed: `sum_block` says which ones are, and bounds them so that nothing below overflows,
divides by zero or meets an infinity; that is what lets a compiler reorder and vectorise these loops. Sums are float64
whatever the block's type, formed over runs of 256 examples, which stay with the tables in the first-level cache.

No function of the C library is called per example. With ``z_k`` the multiple of 1/128 next to ``|z|`` and
``x = |z| - z_k``, the part of the Gaussian CRPS that decays,

    ``h(z) = 2 phi(z) - 2 |z| (1 - Phi(|z|))``, by which ``crps = |e| + sigma (h(z) - 1 / sqrt(pi))``,

is its Taylor series about ``z_k`` to the fourth power, from two tabled functions of ``z_k``; what is cut off is below
``1e-14`` where h - 1/sqrt(pi) + |z| is at least 0.23, so that each example's CRPS is right to ``1e-13`` of itself. The
sum of ``ln sigma`` is a sum of binary exponents and the logarithm of a product of mantissas, one logarithm a run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from scipy.special import erfc

RUN = 256
HEAD = 64
"""Examples at the head of a block whose means the block's sums are centred about at first.

However far they lie from the rest, they are part of it, so that the squared distance of their mean from the block's is
at most ``n / 64`` variances: centring about them loses at most ten bits of 52, and mostly none.
"""
LIMIT = 1e70
REACH = 8.5
"""Where h is below the rounding of anything that it is added to."""

(DY, DM, DE, DZ, DS, YY, MM, YM, EE, EM, ZZ, SS, SQUARED, ABSOLUTE, Z_SQUARED, SIGMA, VARIANCE, CRPS, LOG_SIGMA) = (
    range(19)
)
"""Places of the sums: first and second moments about the head's means, then plain sums."""
FIRST, SECOND, PLAIN = slice(DY, YY), slice(YY, SQUARED), slice(SQUARED, 19)
Y_HEAD, M_HEAD, E_HEAD, Z_HEAD, S_HEAD = range(5)

_NODES = np.arange(int(REACH * 128) + 1) / 128
_TAIL = -erfc(_NODES / math.sqrt(2))
_DENSITY = 2 * np.exp(-(_NODES**2) / 2) / math.sqrt(2 * math.pi)

# Not "arcp" nor "afn": a division stays a division. Valid for finite numbers only.
_FINITE = {"nnan", "ninf", "nsz", "reassoc", "contract"}


@intrinsic
def _bits(context: Any, number: Any) -> Any:
    """The 64 bits of a float64."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _number(context: Any, bits: Any) -> Any:
    """The float64 of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(cache=True, nogil=True)
def _all_within(values, low, high):
    odd = False
    for i in range(values.size):
        odd |= not ((values[i] >= low) & (values[i] <= high))
    return not odd


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _add_point(target, mean, head, sums):
    y_head, m_head = head[Y_HEAD], head[M_HEAD]
    dy = dm = yy = mm = ym = squared = 0.0
    for i in range(target.size):
        y, m = np.float64(target[i]), np.float64(mean[i])
        a, b, e = y - y_head, m - m_head, y - m
        dy += a
        dm += b
        yy += a * a
        mm += b * b
        ym += a * b
        squared += e * e
    sums[DY] += dy
    sums[DM] += dm
    sums[YY] += yy
    sums[MM] += mm
    sums[YM] += ym
    sums[SQUARED] += squared


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _add_errors(target, mean, head, sums):
    m_head, e_head = head[M_HEAD], head[E_HEAD]
    de = ee = em = absolute = 0.0
    for i in range(target.size):
        m = np.float64(mean[i])
        e = np.float64(target[i]) - m
        c = e - e_head
        de += c
        ee += c * c
        em += c * (m - m_head)
        absolute += abs(e)
    sums[DE] += de
    sums[EE] += ee
    sums[EM] += em
    sums[ABSOLUTE] += absolute


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _largest(target, mean):
    largest = 0
    for i in range(target.size):
        bits = _bits(abs(np.float64(target[i]) - np.float64(mean[i])))
        largest = bits if bits > largest else largest
    return _number(largest)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _standardise(target, mean, variance, error, sigma, z, place, sums):
    width = squared = 0.0
    for i in range(target.size):
        e, s = np.float64(target[i]) - np.float64(mean[i]), math.sqrt(np.float64(variance[i]))
        ratio = e / s
        width += s
        squared += ratio * ratio
        error[i], sigma[i], z[i] = e, s, ratio
        t = abs(ratio)
        t = t if t < REACH else REACH
        place[i] = np.int32(t * 128 + 0.5)
    sums[SIGMA] += width
    sums[Z_SQUARED] += squared


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _add_spread(z, sigma, head, sums):
    z_head, s_head = head[Z_HEAD], head[S_HEAD]
    dz = ds = zz = ss = variance = 0.0
    for i in range(z.size):
        a, b = z[i] - z_head, sigma[i] - s_head
        dz += a
        ds += b
        zz += a * a
        ss += b * b
        variance += sigma[i] * sigma[i]
    sums[DZ] += dz
    sums[DS] += ds
    sums[ZZ] += zz
    sums[SS] += ss
    sums[VARIANCE] += variance


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(place, tail, density, tail_here, density_here):
    # Apart from the arithmetic: a loop with both does not come out vectorised.
    for i in range(place.size):
        k = np.uint32(place[i])
        tail_here[i] = tail[k]
        density_here[i] = density[k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _crps(error, sigma, z, place, tail, density):
    total = 0.0
    for i in range(error.size):
        t = abs(z[i])
        t = t if t < REACH else REACH
        node = place[i] * (1 / 128)
        x = t - node
        series = 0.5 + x * (x * (node * node - 1) * (1 / 24) - node * (1 / 6))
        h = tail[i] * t + density[i] * (1 + x * x * series)
        total += abs(error[i]) + sigma[i] * (h - 0.5641895835477563)
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _log_sum(values):
    exponents, product = 0, 1.0
    for i in range(values.size):
        bits = _bits(values[i])
        exponents += bits >> 52
        product *= _number((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000)
    return math.log(product) + (exponents - 1023 * values.size) * 0.6931471805599453


@njit(cache=True, nogil=True, error_model="numpy")
def _inside(error, sigma, quantile):
    count = 0
    for i in range(error.size):
        count += abs(error[i]) <= quantile * sigma[i]
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _below(z, threshold):
    count = 0
    for i in range(z.size):
        count += z[i] <= threshold
    return count


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _overshoot(error, sigma, quantile):
    total = 0.0
    for i in range(error.size):
        over = abs(error[i]) - quantile * sigma[i]
        total += over if over > 0 else 0.0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _head_means(target, mean, variance, scored, head):
    n = min(HEAD, target.size)
    for i in range(n):
        e = np.float64(target[i]) - np.float64(mean[i])
        head[Y_HEAD] += np.float64(target[i]) / n
        head[M_HEAD] += np.float64(mean[i]) / n
        head[E_HEAD] += e / n
        if scored:
            sigma = math.sqrt(np.float64(variance[i]))
            head[Z_HEAD] += e / sigma / n
            head[S_HEAD] += sigma / n


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_block(target, mean, variance, limits, asked, levels, thresholds, overs, tables, out):
    point, errors, largest, spread, crps, logs = asked
    head, sums, inside, below, overshoot = out
    scored = variance.size > 0
    _head_means(target, mean, variance, scored, head)
    peak = 0.0
    error, sigma, z = np.empty(RUN), np.empty(RUN), np.empty(RUN)
    tail, density, place = np.empty(RUN), np.empty(RUN), np.empty(RUN, np.int32)
    for start in range(0, target.size, RUN):
        stop = min(start + RUN, target.size)
        y, m, n = target[start:stop], mean[start:stop], stop - start
        if not (_all_within(y, -limits[0], limits[0]) and _all_within(m, -limits[0], limits[0])):
            return -1.0
        if not _all_within(variance[start:stop], limits[1], limits[2]):
            return -1.0
        if point:
            _add_point(y, m, head, sums)
        if errors:
            _add_errors(y, m, head, sums)
        if largest:
            peak = max(peak, _largest(y, m))
        if not scored:
            continue
        e, s = error[:n], sigma[:n]
        _standardise(y, m, variance[start:stop], e, s, z[:n], place[:n], sums)
        if spread:
            _add_spread(z[:n], s, head, sums)
        if crps:
            _look_up(place[:n], tables[0], tables[1], tail, density)
            sums[CRPS] += _crps(e, s, z[:n], place[:n], tail, density)
        if logs:
            sums[LOG_SIGMA] += _log_sum(s)
        for j in range(levels.size):
            inside[j] += _inside(e, s, levels[j])
        for j in range(thresholds.size):
            below[j] += _below(z[:n], thresholds[j])
        for j in range(overs.size):
            overshoot[j] += _overshoot(e, s, overs[j])
    return peak


def sum_block(target, mean, variance, asked, levels, thresholds, overs):
    """Sum a block of ordinary examples: finite and far from overflow, and sigma, where it is scored, no nearer zero.

    Parameters
    ----------
    target, mean, variance
        ``(example,)``, all float32 or all float64, contiguous; `variance` is empty where it is not scored.
    asked
        Whether target, mean and squared errors, signed and absolute errors, the largest error, the spread of z and
        sigma, the CRPS and ln sigma are. Sums of sigma and z^2 come with a variance.
    levels, thresholds, overs
        Quantiles q whose ``|e| <= q sigma`` are counted, whose ``z <= q`` are, and whose ``max(|e| - q sigma, 0)``
        are summed.

    Returns
    -------
    tuple or None
        None where an example is not ordinary. Else means of the head, sums, the three arrays for the three kinds of
        quantile, and the largest absolute error.
    """
    out = (
        np.zeros(5),
        np.zeros(PLAIN.stop),
        np.zeros(levels.size, np.int64),
        np.zeros(thresholds.size, np.int64),
        np.zeros(overs.size),
    )
    kind = target.dtype.type
    # The whole range of float32 is far from what overflows in float64.
    most, high = (kind(min(limit, float(np.finfo(kind).max))) for limit in (LIMIT, LIMIT**2))
    limits = (most, kind(max(1 / LIMIT**2, float(np.finfo(kind).tiny))), high)
    peak = _sum_block(target, mean, variance, limits, asked, levels, thresholds, overs, (_TAIL, _DENSITY), out)
    return None if peak < 0 else (*out, peak)
