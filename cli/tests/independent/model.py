"""The statistics of docs/statistics.md, written from its text alone, with SciPy's distributions.

Nothing here was taken from the program, so that the two can disagree. `judge` is one page: rows in, what is claimed of each out.
A number that the text says does not exist is None.
"""
import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import optimize, special, stats

EPS = 2.0 ** -52


@dataclass
class Metric:
    """A line `metric.NAME` of perf.conf."""
    name: str
    direction: str = "none"
    role: str = "secondary"
    scale: str = ""
    min_effect: float = 0.05
    min_abs: float = None
    exact: bool = False
    count: bool = False
    zero: str = ""

    def line(self):
        words = ["-", self.direction, self.role, self.scale, f"min_effect={self.min_effect * 100!r}%"]
        words += [f"min_effect_abs={self.min_abs!r}"] * (self.min_abs is not None)
        words += ["exact"] * self.exact + ["count"] * self.count + [f"zero={self.zero}"] * bool(self.zero)
        return f"metric.{self.name} = {' '.join(filter(None, words))}"

    def has_failed(self, value):
        """Whether a finite number is a measurement that failed."""
        declared = self.scale == "log"
        zero = self.zero or ("failed" if declared and not (self.count or self.exact) else "value")
        return (value == 0 and zero == "failed") or (value < 0 and declared)


@dataclass
class Row:
    """A case and metric: values by replicate, lost ones are None; blocks where there are some."""
    case: tuple
    metric: Metric
    a: dict
    b: dict
    planned: int = 0
    later: frozenset = frozenset()
    out: dict = field(default_factory=dict)
    near: bool = False

    def at_most(self, left, right):
        """left <= right, remembering that rounding may decide otherwise."""
        self.near |= abs(left - right) <= 1e-7 * max(abs(left), abs(right))
        return left <= right


def mean(values):
    return math.fsum(values) / len(values)


def variance(values):
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)


def is_constant(values, logs):
    magnitude = max(map(abs, values))
    return math.sqrt(variance(values)) <= 8 * EPS * (max(1.0, magnitude) if logs else magnitude)


def t_tail(t, df):
    """P(|T| > |t|), accurate as a tail."""
    if math.isinf(t):
        return 0.0
    return float(special.betainc(df / 2, 0.5, df / (df + t * t)))


@lru_cache(None)
def t_critical(level, df):
    t = float(stats.t.isf((1 - level) / 2, df))
    for _ in range(2):
        t += (t_tail(t, df) - (1 - level)) / (2 * float(stats.t.pdf(t, df)))
    return t


@lru_cache(None)
def detectable(alpha, df):
    """The noncentrality that a two-sided t test finds with power 0.8."""
    critical = t_critical(1 - alpha, df)

    def lacking(shift):
        return stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift) - 0.8
    low, high = 0.0, 2 * critical + 4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if lacking(middle) < 0 else (low, middle)
    return high


def satterthwaite(va, vb, na, nb):
    """va and vb are squared standard errors."""
    top = max(va, vb)
    if top == 0:
        return min(na, nb) - 1
    va, vb = va / top, vb / top
    df = (va + vb) ** 2 / (va ** 2 / (na - 1) + vb ** 2 / (nb - 1))
    ratio, least = max(na, nb) / min(na, nb), min(na, nb) - 1
    if ratio == 1:
        return df
    if {na, nb} == {4, 5}:
        return df - (df - least) / 4
    return least if ratio > 2 or least < 4 else df - (ratio - 1) ** (2 / 3) * (df - least)


@dataclass
class Fit:
    """A model's estimate on one scale; means, their squared errors and covariance, for Fieller's interval."""
    estimate: float
    se: float
    df: float
    ma: float
    mb: float
    va: float
    vb: float
    cov: float = 0.0
    fieller_df: float = None
    point_p: float = None
    own: tuple = None

    def p(self):
        return self.point_p if self.point_p is not None else t_tail(self.estimate / self.se, self.df)

    def ci(self, level):
        half = 0.0 if self.point_p is not None else t_critical(level, self.df) * self.se
        return [self.estimate - half, self.estimate + half]

    def fieller(self, level):
        if self.ma == 0:
            return None
        if self.point_p is not None:
            return [self.mb / self.ma] * 2
        own_va, own_df, own_mean = self.own or (self.va, self.df, self.ma)
        if abs(own_mean) <= t_critical(level, own_df) * math.sqrt(own_va):
            return None
        t, ratio = t_critical(level, self.fieller_df or self.df), self.mb / self.ma
        root = t * math.sqrt(self.va) / abs(self.ma)
        if root >= 1:
            return None
        g = root * root
        slope = self.cov / self.va if self.va else 0.0
        inner = self.vb - 2 * ratio * self.cov + ratio * ratio * self.va - g * (self.vb - slope * self.cov)
        half = t / abs(self.ma) * math.sqrt(max(inner, 0.0))
        ends = [(ratio - g * slope - half) / (1 - g), (ratio - g * slope + half) / (1 - g)]
        return ends if all(map(math.isfinite, ends)) else None


def two_sided_fit(a, b, test, logs):
    na, nb, ma, mb = len(a), len(b), mean(a), mean(b)
    sa = 0.0 if is_constant(a, logs) else variance(a)
    sb = 0.0 if is_constant(b, logs) else variance(b)
    if sa == sb == 0:
        return Fit(mb - ma, 0.0, None, ma, mb, 0.0, 0.0, point_p=2 / math.comb(na + nb, na))
    va, vb = sa / na, sb / nb
    fieller_df = None
    if ma != 0 and (mb or vb):
        ratio = abs(mb / ma)
        fieller_df = satterthwaite(va * min(ratio, 1.0) ** 2, vb / max(ratio, 1.0) / max(ratio, 1.0), na, nb)
    if test == "student":
        pooled = ((na - 1) * sa + (nb - 1) * sb) / (na + nb - 2)
        both = pooled / na, pooled / nb
        return Fit(mb - ma, math.sqrt(sum(both)), na + nb - 2, ma, mb, *both, own=(va, na - 1, ma))
    return Fit(mb - ma, math.sqrt(va + vb), satterthwaite(va, vb, na, nb), ma, mb, va, vb, fieller_df=fieller_df, own=(va, na - 1, ma))


def share(orders):
    """The squared error of the mean of both orders' means, in units of the variance within them."""
    later = sum(orders)
    return (1 / later + 1 / (len(orders) - later)) / 4


def blocked_fit(a, b, logs, orders=None):
    """a and b are the means of each complete block; orders whether B came later, where the place is a term of the model."""
    if orders:
        if len(orders) < 3 or len(set(orders)) < 2:
            return None
        fit = ordered_fit(a, b, logs, orders)
        if fit:
            return fit
    k, differences = len(a), [y - x for x, y in zip(a, b)]
    ma, mb = mean(a), mean(b)
    magnitude = max(map(abs, a + b))
    if math.sqrt(variance(differences)) <= 8 * EPS * (max(1.0, magnitude) if logs else magnitude):
        return Fit(mean(differences), 0.0, None, ma, mb, 0.0, 0.0, point_p=2.0 ** (1 - k))
    cov = math.fsum((x - ma) * (y - mb) for x, y in zip(a, b)) / (k - 1) / k
    return Fit(mean(differences), math.sqrt(variance(differences) / k), k - 1, ma, mb, variance(a) / k, variance(b) / k, cov)


def ordered_fit(a, b, logs, orders):
    """Levels are the mean of both orders' means; None where the differences vary within no order."""
    def apart(values):
        means = [mean([v for v, later in zip(values, orders) if later == which]) for which in (False, True)]
        return mean(means), [v - means[later] for v, later in zip(values, orders)]
    df = len(a) - 2
    (ma, rest_a), (mb, rest_b), (estimate, rest) = apart(a), apart(b), apart([y - x for x, y in zip(a, b)])
    magnitude = max(map(abs, a + b))
    top = max(map(abs, rest))
    sd = top * math.sqrt(math.fsum((r / top) ** 2 for r in rest) / df) if top else 0.0
    if sd <= 8 * EPS * (max(1.0, magnitude) if logs else magnitude):
        return None
    va, vb, cov = (share(orders) * math.fsum(x * y for x, y in zip(*pair)) / df for pair in ((rest_a,) * 2, (rest_b,) * 2, (rest_a, rest_b)))
    return Fit(estimate, sd * math.sqrt(share(orders)), df, ma, mb, va, vb, cov, own=(variance(a) / len(a), len(a) - 1, mean(a)))


def common_variance(variances, dfs):
    """d0 and s0^2 of the rows of a family."""
    middle = float(np.median(variances))
    variances = [max(v, 1e-5 * middle) for v in variances]
    e = [math.log(v) - float(special.digamma(d / 2)) + math.log(d / 2) for v, d in zip(variances, dfs)]
    beyond = variance(e) - mean([float(special.polygamma(1, d / 2)) for d in dfs])
    if beyond <= 0:
        return math.inf, math.fsum(v * d for v, d in zip(variances, dfs)) / math.fsum(dfs)
    half = math.exp(optimize.brentq(lambda y: float(special.polygamma(1, math.exp(y))) - beyond, -20, 40, xtol=1e-14, rtol=1e-15))
    return 2 * half, math.exp(mean(e) + float(special.digamma(half)) - math.log(half))


def moderated_fit(fit, factor, df, sizes):
    """A fit whose variance is the moderated one; of two sides with their sizes it is that of both."""
    se = fit.se * math.sqrt(factor)
    own = fit.own or (fit.va, fit.df, fit.ma)
    if sizes:
        va, vb = (se * se / (1 / sizes[0] + 1 / sizes[1]) / n for n in sizes)
        return Fit(fit.estimate, se, df, fit.ma, fit.mb, va, vb, own=own)
    return Fit(fit.estimate, se, df, fit.ma, fit.mb, fit.va * factor, fit.vb * factor, fit.cov * factor, own=own)


def adjusted(ps, method):
    """Benjamini-Hochberg or Holm."""
    order = sorted(range(len(ps)), key=lambda i: ps[i], reverse=method == "bh")
    q, worst, m = [0.0] * len(ps), 1.0 if method == "bh" else 0.0, len(ps)
    for place, i in enumerate(order):
        if method == "bh":
            worst = min(worst, ps[i] * m / (m - place))
        else:
            worst = max(worst, min(1.0, ps[i] * (m - place)))
        q[i] = worst
    return q


def mann_whitney(a, b):
    """Exact, given the ties: twice the smaller tail."""
    ranks = [round(2 * rank) for rank in stats.rankdata(list(a) + list(b))]
    ways = np.zeros((len(a) + 1, sum(ranks) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        for chosen in range(len(a), 0, -1):
            ways[chosen, rank:] += ways[chosen - 1, :len(ways[0]) - rank]
    counts, seen = ways[len(a)], sum(ranks[:len(a)])
    return min(1.0, 2 * min(counts[:seen + 1].sum(), counts[seen:].sum()) / counts.sum())


def permutation(a, b):
    """Difference of means over all divisions."""
    values, na = np.array(list(a) + list(b)), len(a)
    values = values - values.mean()
    sums = np.array([values[list(chosen)].sum() for chosen in combinations(range(len(values)), na)])
    slack = 1e-13 * np.abs(values).sum()
    low, high = (sums <= sums[0] + slack).mean(), (sums >= sums[0] - slack).mean()
    return min(1.0, 2 * min(low, high))


def hedges_g(a, b):
    df = len(a) + len(b) - 2
    pooled = math.sqrt(((len(a) - 1) * variance(a) + (len(b) - 1) * variance(b)) / df)
    return (mean(b) - mean(a)) / pooled * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
