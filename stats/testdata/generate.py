#!/usr/bin/env python3
"""Writes the known-answer vectors that analyze/tests/stats_*.rs read.

Run in this directory: `python3 generate.py`. Needs numpy, scipy 1.17, statsmodels 0.15 and mpmath 1.3. Everything is
seeded: the files come out byte for byte the same with the same versions. Every number is from a library other than
the one under test; tails, noncentral t and gamma ratios are from mpmath at 40 digits because SciPy's own tails are
good to about 1e-10 only. Where a formula has no library (Fieller, Mann-Kendall with ties, the dip) it is solved here
in a different way than in the Rust code: roots by bracketing, pairs by definition, the dip as a linear program.
"""

import json
import math
import warnings

import mpmath as mp
import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.weightstats import ttost_ind

mp.mp.dps = 40
RNG = np.random.default_rng(20240229)
VERSIONS = {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "mpmath": mp.__version__}


def f(x):
    return float(x)


def write(name, **tables):
    with open(name + ".json", "w") as out:
        out.write('{"versions": ' + json.dumps(VERSIONS))
        for key, rows in tables.items():
            out.write(f',\n"{key}": [\n ' + ",\n ".join(json.dumps(row, allow_nan=False) for row in rows) + "\n]")
        out.write("\n}\n")


def t_two_sided(t, df):
    t, df = mp.mpf(t), mp.mpf(df)
    return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True)


def distributions():
    tails = []
    for df in [1, 1.37, 2, 2.5, 3, 4, 7.25, 8, 18, 58, 99.5, 300, 1e3]:
        for t in [1e-12, 1e-8, 1e-3, 0.3, 0.9999, 1.7, 2, 3.1, 7, 20, 55, 1e3, 1e5, 1e8]:
            p = t_two_sided(t, df)
            if p > 1e-300:
                tails.append({"t": t, "df": df, "p": f(p)})
    # Deep tails on purpose: the smallest p that a report may have to tell from 0.
    for df, target in [(1, 1e-290), (2, 1e-300), (4, 1e-299), (8, 1e-300), (58, 1e-300), (500, 1e-300), (2.2, 1e-200)]:
        guess = mp.mpf(10) ** (-mp.log10(target) / df) if df < 10 else mp.mpf(40)
        t = f(mp.findroot(lambda u: mp.log(t_two_sided(mp.e**u, df)) - mp.log(target), mp.log(guess)))
        t = float(mp.e ** t)
        tails.append({"t": t, "df": df, "p": f(t_two_sided(t, df))})
    critical = []
    for df in [1, 1.37, 2, 3, 4.5, 8, 18, 58, 300]:
        for level in [0.5, 0.9, 0.95, 0.99, 0.999]:
            start = mp.mpf(stats.t.ppf(0.5 + level / 2, df))
            t = mp.findroot(lambda x: t_two_sided(x, df) - (1 - mp.mpf(level)), start)
            critical.append({"level": level, "df": df, "t": f(t)})
    normal = [{"z": z, "sf": f(mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2)} for z in [-9, -3, -0.5, 0, 1e-9, 0.7, 1.96, 5, 12, 30, 37]]
    quantile = [{"p": p, "z": f(mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1))} for p in [1e-4, 0.01, 0.05, 0.3, 0.5, 0.8, 0.975, 0.9999]]
    beta = []
    for a, b in [(0.5, 0.5), (1.5, 7), (20, 3), (150.5, 40), (1000, 2000.5)]:
        for x in [0.001, 0.2, 0.35, 0.8]:
            low = mp.betainc(a, b, 0, mp.mpf(x), regularized=True)
            high = mp.betainc(a, b, mp.mpf(x), 1, regularized=True)
            if low > 1e-300 and high > 1e-300:
                beta.append({"a": a, "b": b, "root_odds": f(mp.sqrt(mp.mpf(x) / (1 - mp.mpf(x)))), "low": f(low), "high": f(high)})
    write("distributions", t_tails=tails, t_critical=critical, normal_sf=normal, normal_quantile=quantile, beta=beta)


def samples():
    """Pairs of samples as perfvt meets them: throughputs, latencies, percentages, tiny and huge magnitudes."""
    pairs = []
    for na, nb, mean, cv, change, decimals in [
        (3, 3, 9400, 0.01, 1.02, 2), (5, 5, 9400, 0.05, 0.9, 2), (2, 2, 17.5, 0.1, 1.3, 3), (10, 10, 83, 0.2, 1.0, 1),
        (3, 10, 1e-6, 0.3, 1.5, 9), (12, 4, 4.2e9, 0.002, 1.001, 0), (30, 30, 55, 0.15, 1.04, 2), (5, 5, 2500, 0.3, 40, 2),
        (6, 7, 1e-120, 0.2, 1.1, 130), (4, 4, 3e120, 0.1, 2, 0), (5, 5, 1e9, 1e-8, 1 + 1e-8, 3),
    ]:
        a = np.round(mean * np.exp(cv * RNG.standard_normal(na)), decimals)
        b = np.round(mean * change * np.exp(1.5 * cv * RNG.standard_normal(nb)), decimals)
        pairs.append((a.tolist(), b.tolist()))
    pairs.append(([5.0, 5.0, 5.0], [5.1, 5.3, 5.2]))
    pairs.append(([5.1, 5.3, 5.2, 5.25], [5.0, 5.0, 5.0]))
    return pairs


def mp_welch(a, b):
    """Welch and Student in 40 digits: SciPy's own p loses digits in far tails and its variance for large means."""
    a, b = [mp.mpf(x) for x in a], [mp.mpf(x) for x in b]
    na, nb = len(a), len(b)
    ma, mb = mp.fsum(a) / na, mp.fsum(b) / nb
    va, vb = mp.fsum((x - ma) ** 2 for x in a) / (na - 1), mp.fsum((x - mb) ** 2 for x in b) / (nb - 1)
    u, v = va / na, vb / nb
    welch_df = (u + v) ** 2 / (u * u / (na - 1) + v * v / (nb - 1))
    pooled = ((na - 1) * va + (nb - 1) * vb) / (na + nb - 2)
    result = {}
    for name, se, df in [("welch", mp.sqrt(u + v), welch_df), ("student", mp.sqrt(pooled * (mp.mpf(1) / na + mp.mpf(1) / nb)), na + nb - 2)]:
        t = (mb - ma) / se
        result[name] = {"estimate": f(mb - ma), "se": f(se), "df": f(df), "t": f(t), "p": f(t_two_sided(t, df))}
    return result


def check_against_scipy(a, b, result):
    """The 40-digit numbers and SciPy agree where SciPy's double precision allows."""
    for name, equal in [("welch", False), ("student", True)]:
        s = stats.ttest_ind(b, a, equal_var=equal)
        mine = result[name]
        assert math.isclose(s.statistic, mine["t"], rel_tol=1e-6), (name, s.statistic, mine)
        assert math.isclose(s.pvalue, mine["p"], rel_tol=1e-5), (name, s.pvalue, mine)
        assert math.isclose(s.df, mine["df"], rel_tol=1e-6)


def interval(test, level):
    t = stats.t.ppf(0.5 + level / 2, test["df"])
    return [test["estimate"] - t * test["se"], test["estimate"] + t * test["se"]]


def fieller(ma, mb, u, v, cov, t):
    """Bounds of {R : (mb - R ma)^2 <= t^2 (v - 2 R cov + R^2 u)} by bracketing, in units of ma."""
    u, v, cov, r = u / ma**2, v / ma**2, cov / ma**2, mb / ma
    g = lambda R: (r - R) ** 2 - t * t * (v - 2 * R * cov + R * R * u)
    if 1 - t * t * u <= 0:
        return None
    # The set is an interval around the estimate: walk outwards until the sign changes, then bracket.
    ends = []
    for direction in (-1, 1):
        step = mp.sqrt(v + r * r * u)
        while g(r + direction * step) <= 0:
            step *= 2
        ends.append(mp.findroot(g, (r, r + direction * step), solver="anderson", tol=1e-60))
    return [f(x) for x in ends]


def fieller_welch(a, b, level):
    a, b = [mp.mpf(x) for x in a], [mp.mpf(x) for x in b]
    na, nb = len(a), len(b)
    ma, mb = mp.fsum(a) / na, mp.fsum(b) / nb
    u = mp.fsum((x - ma) ** 2 for x in a) / (na - 1) / na
    v = mp.fsum((x - mb) ** 2 for x in b) / (nb - 1) / nb
    t_own = mp.mpf(stats.t.ppf(0.5 + level / 2, na - 1))
    if abs(ma) <= t_own * mp.sqrt(u):
        return None
    R = mb / ma
    df = (v + R * R * u) ** 2 / (v * v / (nb - 1) + R**4 * u * u / (na - 1))
    return fieller(ma, mb, u, v, mp.mpf(0), mp.mpf(stats.t.ppf(0.5 + level / 2, f(df))))


def fieller_paired(a, b, level):
    a, b = [mp.mpf(x) for x in a], [mp.mpf(x) for x in b]
    n = len(a)
    ma, mb = mp.fsum(a) / n, mp.fsum(b) / n
    c = lambda x, mx, y, my: mp.fsum((p - mx) * (q - my) for p, q in zip(x, y)) / (n - 1) / n
    t = mp.mpf(stats.t.ppf(0.5 + level / 2, n - 1))
    if abs(ma) <= t * mp.sqrt(c(a, ma, a, ma)):
        return None
    return fieller(ma, mb, c(a, ma, a, ma), c(b, mb, b, mb), c(a, ma, b, mb), t)


def ttests():
    rows = []
    unpaired = samples()
    for a, b in unpaired:
        row = {"a": a, "b": b, **mp_welch(a, b)}
        if 1e-100 < min(a) and max(a) < 1e100 and max(a) / np.std(a + b) < 1e6 and np.std(a) > 0 and np.std(b) > 0:
            check_against_scipy(a, b, row)
        row["welch"]["ci95"], row["student"]["ci90"] = interval(row["welch"], 0.95), interval(row["student"], 0.90)
        log = mp_welch([mp.log(mp.mpf(x)) for x in a], [mp.log(mp.mpf(x)) for x in b])["welch"]
        row["log"] = {**log, "ratio": math.exp(log["estimate"]), "ci95": np.exp(interval(log, 0.95)).tolist(), "ci90": np.exp(interval(log, 0.90)).tolist()}
        row["fieller95"] = fieller_welch(a, b, 0.95)
        g = mp_welch(a, b)["student"]
        df = mp.mpf(len(a) + len(b) - 2)
        pooled = mp.mpf(g["se"]) / mp.sqrt(mp.mpf(1) / len(a) + mp.mpf(1) / len(b))
        row["hedges_g"] = f(g["estimate"] / pooled * mp.gamma(df / 2) / (mp.sqrt(df / 2) * mp.gamma((df - 1) / 2)))
        rows.append(row)
    # A baseline whose interval holds 0 has no Fieller interval.
    a, b = [-1.0, 0.5, 2.0], [3.0, 4.0, 5.5]
    row = {"a": a, "b": b, **mp_welch(a, b), "fieller95": fieller_welch(a, b, 0.95)}
    assert row["fieller95"] is None
    rows.append(row)

    pairs = []
    for n, sd_block, sd in [(2, 1, 0.3), (3, 5, 1), (5, 4, 1), (8, 0, 2), (12, 10, 0.5)]:
        block = 100 + sd_block * RNG.standard_normal(n)
        a, b = np.round(block + sd * RNG.standard_normal(n), 3), np.round(1.03 * block + sd * RNG.standard_normal(n), 3)
        test = stats.ttest_rel(b, a)
        log = stats.ttest_1samp(np.log(b) - np.log(a), 0)
        ci, lci, lci90 = test.confidence_interval(0.95), log.confidence_interval(0.95), log.confidence_interval(0.90)
        pairs.append({
            "a": a.tolist(), "b": b.tolist(), "t": test.statistic, "df": f(test.df), "p": test.pvalue, "ci95": [ci.low, ci.high],
            "ratio": math.exp(np.mean(np.log(b) - np.log(a))), "log_p": log.pvalue, "ratio_ci95": [math.exp(lci.low), math.exp(lci.high)],
            "ratio_ci90": [math.exp(lci90.low), math.exp(lci90.high)], "fieller95": fieller_paired(a.tolist(), b.tolist(), 0.95),
        })

    tost = []
    for a, b in unpaired[:8]:
        for margin in [0.02, 0.05, 0.5]:
            la, lb = np.log(a), np.log(b)
            p = ttost_ind(lb, la, -math.log1p(margin), math.log1p(margin), usevar="unequal")[0]
            tost.append({"a": a, "b": b, "margin": margin, "p": f(p)})
    write("ttests", unpaired=rows, pairs=pairs, tost=tost)


def moments():
    rows = []
    for values in [[1.5], [2.0, 4.0], [0.1] * 7, [3.0, 1.0, 2.0], [9393.84, 9401.2, 9377.5, 9410.01, 9388.8],
                   [1e9 + 1, 1e9 + 2, 1e9 + 3], [1e-300, 3e-300, 2e-300], [1e307, 1.5e308, 3e307], [-1.0, 0.0, 1.0, 5.0],
                   np.round(RNG.lognormal(3, 1, 41), 4).tolist()]:
        exact = [mp.mpf(v) for v in values]
        n, mean = len(values), mp.fsum(exact) / len(values)
        sd = mp.sqrt(mp.fsum((v - mean) ** 2 for v in exact) / (n - 1)) if n > 1 else None
        gm = f(mp.e ** (mp.fsum(mp.log(v) for v in exact) / n)) if min(values) > 0 else None
        rows.append({"values": values, "mean": f(mean), "sd": None if sd is None else f(sd), "median": float(np.median(values)) if max(values) < 1e300 else sorted(values)[n // 2],
                     "cv": None if sd is None or mean == 0 else f(sd / abs(mean)), "geometric_mean": gm})
    write("moments", rows=rows)


def ranks():
    mwu = []
    for na, nb, ties in [(2, 2, 0), (3, 3, 0), (3, 5, 0), (5, 5, 0), (10, 7, 0), (30, 30, 0), (1, 12, 0),
                         (3, 3, 1), (5, 5, 1), (4, 6, 1), (7, 7, 1), (3, 9, 1), (31, 31, 0), (40, 35, 1)]:
        for shift in [0, 0.6, 3]:
            a, b = RNG.standard_normal(na), RNG.standard_normal(nb) + shift
            a, b = np.round(a, 0 if ties else 9), np.round(b, 0 if ties else 9)
            exact = na + nb <= 60
            method = "asymptotic" if not exact else (stats.PermutationMethod(n_resamples=np.inf) if ties else "exact")
            if len(set(a) | set(b)) == 1:
                continue
            result = stats.mannwhitneyu(b, a, alternative="two-sided", method=method)
            mwu.append({"a": a.tolist(), "b": b.tolist(), "u": f(result.statistic), "p": f(result.pvalue), "exact": exact})
    difference = lambda x, y, axis: np.mean(y, axis=axis) - np.mean(x, axis=axis)
    permutation = []
    for na, nb, decimals in [(2, 2, 2), (3, 3, 2), (5, 5, 2), (5, 5, 0), (4, 9, 1), (9, 4, 1), (8, 8, 2), (3, 20, 2), (6, 6, 0), (2, 100, 2)]:
        for shift in [0, 0.8, 4]:
            a, b = np.round(10 + RNG.standard_normal(na), decimals), np.round(10 + shift + RNG.standard_normal(nb), decimals)
            result = stats.permutation_test((a, b), difference, permutation_type="independent", n_resamples=np.inf, vectorized=True)
            if np.isclose(result.statistic, 0, atol=1e-12):
                continue  # SciPy's tolerance for equal statistics is relative to this one
            permutation.append({"a": a.tolist(), "b": b.tolist(), "p": f(result.pvalue)})
    write("ranks", mann_whitney=mwu, permutation=permutation)


def bootstrap():
    rows = []
    for na, nb, ratio in [(10, 10, True), (12, 15, True), (10, 14, False)]:
        a, b = np.round(RNG.lognormal(3, 0.3, na), 3), np.round(RNG.lognormal(3.1, 0.5, nb), 3)
        if ratio:
            statistic = lambda x, y, axis: np.mean(y, axis=axis) / np.mean(x, axis=axis)
        else:
            statistic = lambda x, y, axis: np.mean(y, axis=axis) - np.mean(x, axis=axis)
        result = stats.bootstrap((a, b), statistic, n_resamples=499, method="BCa", vectorized=True, rng=np.random.default_rng(na))
        big = stats.bootstrap((a, b), statistic, n_resamples=99_999, method="BCa", vectorized=True, rng=np.random.default_rng(nb))
        rows.append({"a": a.tolist(), "b": b.tolist(), "ratio": ratio, "estimate": f(statistic(a, b, -1)),
                     "distribution": result.bootstrap_distribution.tolist(), "bca95": [f(x) for x in result.confidence_interval],
                     "bca95_many": [f(x) for x in big.confidence_interval]})
    write("bootstrap", rows=rows)


def multiple():
    rows = []
    for p in [[0.03], [0.01, 0.02, 0.03, 0.04], [0.5, 0.001, 0.9, 0.04, 0.04, 0.2], [1e-300, 1.0, 0.05], RNG.uniform(size=40).round(6).tolist(),
              (RNG.uniform(size=25) ** 4).tolist()]:
        rows.append({"p": p, "bh": multipletests(p, method="fdr_bh")[1].tolist(), "holm": multipletests(p, method="holm")[1].tolist()})
        assert np.allclose(rows[-1]["bh"], stats.false_discovery_control(p), rtol=1e-12)
    write("multiple", rows=rows)


def noncentral_cdf(t, df, delta):
    """P(T <= t) as the integral of Phi(t s - delta) over the distribution of s = sqrt(chi2/df)."""
    t, df, delta = mp.mpf(t), mp.mpf(df), mp.mpf(delta)
    norm = 2 * (df / 2) ** (df / 2) / mp.gamma(df / 2)
    density = lambda s: norm * s ** (df - 1) * mp.e ** (-df * s * s / 2) if s > 0 else mp.mpf(0)
    end = 1 + 14 / mp.sqrt(df)
    cuts = {mp.mpf(0), end} | {1 + k / mp.sqrt(df) for k in (-6, -4, -2, -1, 0, 1, 2, 4, 7)}
    if t != 0:
        cuts |= {(delta + k) / t for k in (-10, -4, -1, 0, 1, 4, 10)}
    cuts = sorted(c for c in cuts if 0 <= c <= end)
    return mp.quad(lambda s: mp.ncdf(t * s - delta) * density(s), cuts)


def power():
    mp.mp.dps = 25
    cdf = []
    for df in [1, 2, 2.6, 4, 8, 18, 58, 300]:
        for t, delta in [(0.5, 0), (2, 1), (3.5, 3), (12.7, 16), (-1, 0.7), (2, -1), (0, 1.3), (5, 2.5)]:
            cdf.append({"t": t, "df": df, "delta": delta, "cdf": f(noncentral_cdf(t, df, delta))})
    solved = []
    for df in [1, 1.4, 2, 3, 4, 5.3, 8, 18, 58, 300]:
        for alpha, target in [(0.05, 0.8), (0.01, 0.9)]:
            tc = mp.findroot(lambda x: t_two_sided(x, df) - alpha, mp.mpf(stats.t.ppf(1 - alpha / 2, df)))
            miss = lambda d: 1 - noncentral_cdf(tc, df, d) + noncentral_cdf(-tc, df, d) - target
            # SciPy's nct gives NaN for large noncentralities: start from the normal tail averaged over quantiles of s.
            scale = np.sqrt(stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, df) / df)
            start = optimize.brentq(lambda d: np.mean(stats.norm.sf(f(tc) * scale - d)) - target, 0.1, 2000)
            delta = mp.findroot(miss, (start, start * 1.0001), solver="secant", tol=1e-18)
            solved.append({"df": df, "alpha": alpha, "power": target, "delta": f(delta)})
    needed = []
    for effect in [0.3, 0.8, 1.0, 2.0, 3.5]:
        n = TTestIndPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)
        needed.append({"effect": effect, "n": math.ceil(n - 1e-9)})
    write("power", cdf=cdf, noncentrality=solved, student_n=needed)
    mp.mp.dps = 40


def dip(values):
    """Hartigan's dip as a linear program per mode: the closest distribution convex before it, concave after."""
    x, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts) / counts.sum()
    below = upto - counts / counts.sum()
    m, best = len(x), math.inf
    for k in range(m):
        # Variables: F at each x (left limit at the mode), the right limit at the mode, the distance.
        size = m + 2
        rows, bounds = [], []

        def at_most(coefficients, bound):
            row = np.zeros(size)
            for i, c in coefficients:
                row[i] += c
            rows.append(row)
            bounds.append(bound)

        for i in range(m):
            for var, level in [(i, below[i]), (m if i == k else i, upto[i])]:
                at_most([(var, 1), (m + 1, -1)], level)
                at_most([(var, -1), (m + 1, -1)], -level)
        left = [(x[i], i) for i in range(k + 1)]
        right = [(x[k], m)] + [(x[i], i) for i in range(k + 1, m)]
        for points, sign in [(left, 1), (right, -1)]:
            for (x0, i), (x1, j) in zip(points, points[1:]):
                at_most([(i, 1), (j, -1)], 0)
            for (x0, i), (x1, j), (x2, l) in zip(points, points[1:], points[2:]):
                h0, h1 = x1 - x0, x2 - x1
                at_most([(j, sign * (1 / h0 + 1 / h1)), (i, -sign / h0), (l, -sign / h1)], 0)
        at_most([(k, 1), (m, -1)], 0)
        result = optimize.linprog([0] * (m + 1) + [1], A_ub=np.array(rows), b_ub=bounds, bounds=[(0, 1)] * size, method="highs")
        assert result.status == 0
        best = min(best, result.fun)
    return best


def diagnostics():
    kendall = []
    for n in [6, 7, 10, 20, 50]:
        for slope in [0, 0.2, 2]:
            x = np.round(slope * np.arange(n) + RNG.standard_normal(n) * 2, 6)
            result = stats.kendalltau(np.arange(n), x, method="exact")
            s = sum(np.sign(x[j] - x[i]) for i in range(n) for j in range(i + 1, n))
            kendall.append({"values": x.tolist(), "s": f(s), "p": f(result.pvalue)})
    for n in [8, 15, 60]:
        x = np.round(0.1 * np.arange(n) + RNG.standard_normal(n))
        s = sum(np.sign(x[j] - x[i]) for i in range(n) for j in range(i + 1, n))
        _, t = np.unique(x, return_counts=True)
        var = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5))) / 18
        kendall.append({"values": x.tolist(), "s": f(s), "p": f(min(1, 2 * stats.norm.sf(max(abs(s) - 1, 0) / math.sqrt(var))))})
    ratio, first = [], []
    for na, nb, sd in [(4, 4, 1), (5, 5, 3), (10, 6, 0.2), (30, 30, 1.5)]:
        a, b = RNG.standard_normal(na).round(4), (sd * RNG.standard_normal(nb)).round(4)
        F = np.var(b, ddof=1) / np.var(a, ddof=1)
        p = 2 * min(stats.f.cdf(F, nb - 1, na - 1), stats.f.sf(F, nb - 1, na - 1))
        ratio.append({"a": a.tolist(), "b": b.tolist(), "sd_ratio": math.sqrt(F), "p": min(1, p)})
    for sizes in [(5, 5), (5, 9), (8,), (6, 7, 8)]:
        sides = [np.round(10 * k + RNG.standard_normal(n), 4) for k, n in enumerate(sizes)]
        sides[0][0] += 3
        y = np.concatenate(sides)
        columns = [np.concatenate([np.full(n, float(j == k)) for j, n in enumerate(sizes)]) for k in range(len(sizes))]
        columns.append(np.concatenate([np.eye(n)[0] for n in sizes]))
        fit = sm.OLS(y, np.column_stack(columns)).fit()
        first.append({"sides": [s.tolist() for s in sides], "estimate": fit.params[-1], "se": fit.bse[-1], "df": fit.df_resid, "p": fit.pvalues[-1]})
    dips = []
    for n in [4, 5, 8, 12, 13, 20, 30]:
        for shape in ["uniform", "two", "normal", "ties", "skewed"]:
            x = {"uniform": RNG.uniform(size=n), "two": np.where(np.arange(n) % 2, 99, 117) + RNG.standard_normal(n), "normal": RNG.standard_normal(n),
                 "ties": np.round(2 * RNG.standard_normal(n)), "skewed": RNG.lognormal(0, 1, n)}[shape].round(5)
            dips.append({"values": x.tolist(), "shape": shape, "dip": dip(x)})
    write("diagnostics", mann_kendall=kendall, variance_ratio=ratio, first_boot=first, dip=dips)


def calibration():
    """How often SciPy's own tests raise a false alarm, and how often its BCa interval holds the truth."""
    alarms = []
    for na, sd_a, nb, sd_b in [(3, 3, 10, 1), (3, 1, 10, 3), (5, 1, 5, 3), (5, 1, 10, 2), (10, 1, 10, 1)]:
        a, b = sd_a * RNG.standard_normal((200_000, na)), sd_b * RNG.standard_normal((200_000, nb))
        rate = lambda equal: f(np.mean(stats.ttest_ind(a, b, axis=1, equal_var=equal).pvalue <= 0.05))
        alarms.append({"na": na, "sd_a": sd_a, "nb": nb, "sd_b": sd_b, "rows": 200_000, "student": rate(True), "welch": rate(False)})
    coverage = []
    for na, nb, sd in [(10, 10, 0.1), (10, 10, 0.6), (12, 20, 0.6)]:
        covered, rows = 0, 2000
        ratio = lambda x, y, axis: np.mean(y, axis=axis) / np.mean(x, axis=axis)
        for _ in range(rows):
            a, b = RNG.lognormal(0, sd, na), RNG.lognormal(0, sd, nb)
            ci = stats.bootstrap((a, b), ratio, n_resamples=1999, method="BCa", vectorized=True, rng=RNG).confidence_interval
            covered += ci.low <= 1 <= ci.high
        coverage.append({"na": na, "nb": nb, "sd": sd, "rows": rows, "covered": covered / rows})
    write("calibration", false_alarms=alarms, bca_coverage=coverage)


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)
    distributions()
    moments()
    ttests()
    ranks()
    bootstrap()
    multiple()
    power()
    diagnostics()
    calibration()
