"""Student's t, F and the power of a t-test, to 1e-11 and better, without scipy: its import takes longer than a table.

The incomplete beta function is the continued fraction of Numerical Recipes 6.4 (Lentz's method); power is a series of them.
"""

from __future__ import annotations

import functools
import math

ALPHA = 0.05
_TINY = 1e-300
# beyond this noncentrality the series for the power gets long, and its other side is below 1e-190
_FAR_SHIFT = 30.0


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b), the regularized incomplete beta function, with 1 - x given beside x: near 1 the difference would lose its digits."""
    if x <= 0.0:
        return 0.0
    if rest <= 0.0:
        return 1.0
    log_x, log_rest = (
        (math.log(x) if x < 0.5 else math.log1p(-rest)),
        (math.log(rest) if rest < 0.5 else math.log1p(-x)),
    )
    front = math.exp(a * log_x + b * log_rest - _log_beta(a, b))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, rest) / b


@functools.lru_cache(maxsize=4096)  # the same few degrees of freedom come with every test
def _log_beta(a: float, b: float) -> float:
    small, large = sorted((a, b))
    if large < 100.0:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.lgamma(small) - _log_gamma_ratio(large, small)


def _log_gamma_ratio(x: float, step: float) -> float:
    """log(gamma(x + step) / gamma(x)) for large x: two large logarithms of gamma would cancel (Stirling's series for both)."""

    def series(z: float) -> float:
        return 1.0 / (12.0 * z) - 1.0 / (360.0 * z**3)

    end = x + step
    return (x - 0.5) * math.log1p(step / x) + step * math.log(end) - step + series(end) - series(x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 10_000):  # its two steps are written out: most of a table's time is spent here
        middle = a + 2 * m
        numerator = m * (b - m) * x / ((middle - 1) * middle)
        d = 1.0 + numerator * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + numerator / c
        c = c if abs(c) > _TINY else _TINY
        value *= d * c
        numerator = -(a + m) * (a + b + m) * x / (middle * (middle + 1))
        d = 1.0 + numerator * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + numerator / c
        c = c if abs(c) > _TINY else _TINY
        change = d * c
        value *= change
        if abs(change - 1.0) < 1e-16:
            break
    return value


def t_two_sided_p(t: float, df: float) -> float:
    """P(|T| > |t|) for Student's t with `df` degrees of freedom: the two-sided p-value."""
    if math.isnan(t):
        return math.nan
    if math.isinf(t):
        return 0.0
    square = t * t
    if math.isinf(square):
        return 0.0
    # two or three pairs, the commonest tests of all, have closed forms (Abramowitz and Stegun 26.7.3 and 26.7.4)
    if df == 1:
        return math.atan2(1.0, abs(t)) * 2.0 / math.pi
    if df == 2:
        root = math.sqrt(2.0 + square)
        return 2.0 / (root * (root + abs(t)))
    return _incomplete_beta(df / 2.0, 0.5, df / (df + square), square / (df + square))


def t_density(t: float, df: float) -> float:
    """The density of Student's t."""
    log = -_log_beta(df / 2.0, 0.5) - 0.5 * math.log(df) - (df + 1.0) / 2.0 * math.log1p(t * t / df)
    return math.exp(log)


@functools.lru_cache(maxsize=4096)
def t_critical(df: float, alpha: float = ALPHA) -> float:
    """The t that |T| exceeds with probability `alpha`: 12.706 for df = 1, 4.303 for 2, 2.776 for 4 at 0.05."""
    if df == 1:
        return 1.0 / math.tan(math.pi * alpha / 2.0)
    if df == 2:
        return (1.0 - alpha) * math.sqrt(2.0 / (alpha * (2.0 - alpha)))
    t, low, high = _t_estimate(df, alpha), 0.0, math.inf
    for _ in range(200):
        error = t_two_sided_p(t, df) - alpha
        low, high = (t, high) if error > 0 else (low, t)
        step = t + error / (2.0 * t_density(t, df))
        middle = (low + high) / 2.0 if high < math.inf else 2.0 * low
        new = step if low <= step <= high else middle
        if abs(new - t) <= 1e-14 * new:
            return new
        t = new
    return t


def _t_estimate(df: float, alpha: float) -> float:
    """About the critical t, where the search for it begins: at 5 % to 1 % from 3 degrees of freedom on, and too small below.

    The normal quantile by Abramowitz and Stegun's 26.2.23, and three terms of their expansion 26.7.5.
    """
    y = math.sqrt(-2.0 * math.log(alpha / 2.0))
    z = y - (2.515517 + y * (0.802853 + y * 0.010328)) / (1.0 + y * (1.432788 + y * (0.189269 + y * 0.001308)))
    terms = (z**3 + z) / 4.0, (5 * z**5 + 16 * z**3 + 3 * z) / 96.0, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0
    return z + sum(term / df**power for power, term in enumerate(terms, start=1))


def f_test_p(f: float, df1: float, df2: float) -> float:
    """P(F > f) for the F distribution."""
    if f <= 0:
        return 1.0
    return _incomplete_beta(df2 / 2.0, df1 / 2.0, df2 / (df2 + df1 * f), df1 * f / (df2 + df1 * f))


def t_test_power(shift: float, df: float, alpha: float = ALPHA) -> float:
    """The power of a two-sided t-test: P(|T| > critical) for the noncentral t with noncentrality `shift`, both sides counted.

    The square of such a T is F with 1 and `df` degrees of freedom and noncentrality shift^2: beta tails, weighted as Poisson's
    distribution of mean shift^2 / 2 says (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, chapter 30).
    """
    critical = t_critical(df, alpha)
    if abs(shift) > 10.0 * (1.0 + critical):  # to miss, chance would have to be 10 standard deviations off
        return 1.0
    mean = shift * shift / 2.0
    if mean == 0.0:
        return alpha
    if abs(shift) > _FAR_SHIFT:
        return _far_power(abs(shift), critical, df)
    a, b, rest = df / 2.0, 0.5, critical * critical / (df + critical * critical)
    # tail is I_x(a, b) with x = 1 - rest, at b = 1/2 alpha itself; each next b adds x^a rest^b / (b B(a, b))
    tail = alpha
    growth = math.exp(-a * math.log1p(critical * critical / df) + b * math.log(rest) - _log_beta(a, b)) / b
    total, j, log_mean = 0.0, 0, math.log(mean)
    while True:
        weight = math.exp(j * log_mean - mean - math.lgamma(j + 1.0))
        total += weight * tail
        if j > mean and weight < 1e-17:
            return min(1.0, total)
        tail, growth = tail + growth, growth * rest * (a + b) / (b + 1.0)
        b, j = b + 1.0, j + 1


def _far_power(shift: float, critical: float, df: float) -> float:
    """P(T > critical) for a noncentral t far from 0: the mean of P(s < (z + shift) / critical) over a normal z, s^2 being chi^2 / df.

    The trapezoidal rule is as exact as floats are for what falls off as the normal density does, at half a standard deviation a step.
    """
    total = 0.0
    for index in range(-18, 19):
        z = index / 2.0
        share = (z + shift) / critical
        total += math.exp(-z * z / 2.0) * _lower_gamma(df / 2.0, df * share * share / 2.0)
    return min(1.0, total * 0.5 / math.sqrt(2.0 * math.pi))


def _lower_gamma(a: float, x: float) -> float:
    """P(a, x), the regularized lower incomplete gamma function (Abramowitz and Stegun 6.5.29)."""
    if x > 700.0:
        return 1.0
    term, total, n = 1.0, 1.0, 1
    while term > 1e-17 * total:
        term *= x / (a + n)
        total, n = total + term, n + 1
    return min(1.0, math.exp(a * math.log(x) - x - math.lgamma(a + 1.0)) * total)
