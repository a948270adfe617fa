"""From rows to verdicts, families and the gate, after docs/statistics.md."""
import math
import sys

from scipy import stats

from model import (adjusted, blocked_fit, common_variance, detectable, hedges_g, is_constant, mann_whitney, mean, moderated_fit, permutation,
                   share, t_tail, two_sided_fit, variance)

CHANGES = ("REGRESSED", "IMPROVED", "CHANGED-UP", "CHANGED-DOWN")


def exp(value):
    return math.exp(value) if value < 709.78 else math.inf


def finite(values):
    """A number or an interval as the JSON has it: what is no finite number does not exist."""
    if values is None:
        return None
    return values if all(map(math.isfinite, values if isinstance(values, list) else [values])) else None


class Judge:
    """One row on its scale."""

    def __init__(self, row, scale, options):
        self.row, self.out, self.log, self.options = row, row.out, scale == "log", options
        a, b = self.replicates()
        top = max(map(abs, a + b), default=0.0)
        self.unit = 2.0 ** (math.frexp(top)[1] - 1) if top else 1.0
        self.a, self.b = [x / self.unit for x in a], [x / self.unit for x in b]
        self.m = row.metric.min_effect
        self.main = self.raw = None
        self.min_abs = None if row.metric.min_abs is None else row.metric.min_abs / self.unit
        self.out.update(scale=scale, p_model=None, q=None, p_gate=None, model=None, band_abs=None, min_effect=self.m)
        self.out.update(na=len(a), nb=len(b))

    def replicates(self):
        """The values of each side; of complete blocks alone where the plan has enough of them."""
        row = self.row
        a = {k: v for k, v in row.a.items() if v is not None}
        b = {k: v for k, v in row.b.items() if v is not None}
        least = {"auto": 5, "blocked": 2}.get(self.options["test"], math.inf)
        self.blocked = row.planned >= least
        if row.planned >= 2:
            both = {block for block, _ in a} & {block for block, _ in b}
            later = len(row.later & set(range(1, row.planned + 1)))
            alternate = self.blocked and row.planned >= 10 and abs(row.planned - 2 * later) <= 1
            self.orders = [block in row.later for block in sorted(both)] if alternate else None
            self.blocks = [[[v for (at, _), v in side.items() if at == block] for side in (a, b)] for block in sorted(both)]
            if self.blocked:
                a = {k: v for k, v in a.items() if k[0] in both}
                b = {k: v for k, v in b.items() if k[0] in both}
        else:
            self.blocks, self.orders = [], None
        return list(a.values()), list(b.values())

    def fit(self, log):
        """The model on one scale."""
        def on(values):
            return [math.log(x * self.unit) if log else x for x in values]
        if self.blocked and self.varies:
            sides = [[mean(on([x / self.unit for x in block[side]])) for block in self.blocks] for side in (0, 1)]
            return blocked_fit(*sides, log, self.orders)
        return two_sided_fit(on(self.a), on(self.b), self.options["test"], log)

    def estimate(self):
        """Everything before q; returns whether the row has a p for the family."""
        out, row = self.out, self.row
        short = min(len(self.a), len(self.b)) < 2 or (self.blocked and len(self.blocks) < 2)
        varies = self.varies = len(set(self.a)) > 1 or len(set(self.b)) > 1
        self.constant = bool(self.a and is_constant(self.a, False) and self.b and is_constant(self.b, False))
        if not row.a or not row.b:
            out["verdict"], out["reason"] = ("MISSING-A" if not row.a else "MISSING-B"), None
            return False
        if not self.a or not self.b or (short and (varies or not row.metric.exact)):
            out["verdict"], out["reason"] = "INVALID", "one-replicate"
            return False
        if self.constant and not (self.blocked and varies):
            return self.constants()
        self.main = self.fit(self.log)
        self.raw = self.fit(False)
        if self.main is None:
            out["verdict"], out["reason"] = "INCONCLUSIVE", "no-variance"
            return False
        if self.main.point_p is not None:
            return self.constants()
        out["model"] = "blocked" if self.blocked else "student" if self.options["test"] == "student" else "welch"
        self.beside()
        self.numbers()
        out["p_model"] = self.main.p()
        return True

    def constants(self):
        """Sides, or differences of blocks, that do not vary."""
        out, row = self.out, self.row
        a, b = mean(self.a), mean(self.b)
        difference = abs(b - a)
        self.beside()
        self.point_numbers(a, b)
        if difference <= 8 * 2.0 ** -52 * max(abs(a), abs(b)):
            out["verdict"], out["reason"] = "EQUIVALENT", "exact"
            return False
        if row.metric.exact:
            small = self.min_abs is not None and row.at_most(difference, self.min_abs)
            out["verdict"], out["reason"] = ("EQUIVALENT", None) if small else (self.direction(b - a), "exact")
            return False
        self.main, self.raw, out["model"] = self.fit(self.log), self.fit(False), "exact"
        self.ci90 = out["ratio_ci90"]
        out["p_model"] = self.main.p()
        return True

    def point_numbers(self, a, b):
        """Two constants: every interval is a point."""
        out, m = self.out, self.m
        self.band, self.reach = self.min_abs if self.log else max(m * abs(a), self.min_abs or 0.0), None
        out["band_abs"] = None if self.band is None else self.band * self.unit
        out["diff"] = (b - a) * self.unit
        out["diff_ci"] = out["diff_ci90"] = [out["diff"]] * 2
        out["ratio"] = out["ratio_of_means"] = b / a if a else None
        out["ratio_ci"] = out["ratio_ci90"] = [b / a] * 2 if a else None

    def beside(self):
        """What stands beside the model and decides nothing."""
        out, a, b = self.out, self.a, self.b
        na, nb = len(a), len(b)
        if not self.constant:
            out["student"] = two_sided_fit(a, b, "student", False).p()
        sa, sb = variance(a) / na, variance(b) / nb
        if not self.constant:
            top = max(sa, sb)
            df = (sa / top + sb / top) ** 2 / ((sa / top) ** 2 / (na - 1) + (sb / top) ** 2 / (nb - 1))
            out["welch"] = t_tail((mean(b) - mean(a)) / math.sqrt(sa + sb), df)
        if min(na, nb) >= 2:
            out["mann_whitney"] = mann_whitney(a, b)
        if not self.constant and self.row.metric.role == "primary" and math.comb(na + nb, na) <= 1000:
            out["permutation"] = permutation(a, b)
        if not self.constant:
            out["hedges_g"] = hedges_g(a, b)
        if len(self.blocks) >= 2 and not self.constant:
            sides = [[mean([math.log(x) if self.log else x / self.unit for x in block[side]]) for block in self.blocks] for side in (0, 1)]
            fit = blocked_fit(*sides, self.log, self.orders)
            out["blocked"] = fit.p() if fit and fit.point_p is None else None

    def ratio_ci(self, level):
        return [min(exp(end), sys.float_info.max) for end in self.main.ci(level)] if self.log else self.main.fieller(level)

    def diff_ci(self, level):
        return [end * self.unit for end in self.raw.ci(level)]

    def numbers(self):
        """The model's estimates and intervals, the band and the smallest detectable effect."""
        out = self.out
        out["diff"], out["diff_ci"], out["diff_ci90"] = self.raw.estimate * self.unit, self.diff_ci(.95), self.diff_ci(.90)
        out["ratio_ci"] = self.ratio_ci(.95)
        self.ci90 = out["ratio_ci90"] = out["ratio_ci"] and self.ratio_ci(.90)
        ma, mb = mean(self.a), mean(self.b)
        out["ratio_of_means"] = mb / ma if ma else None
        bounded = out["ratio_ci"] is not None
        out["ratio"] = exp(self.main.estimate) if self.log else self.main.mb / self.main.ma if bounded else None
        zero = not any(self.a)
        if self.log:
            self.band = self.min_abs
        elif zero or bounded or self.min_abs is not None:
            self.band = max(self.m * abs(self.main.ma), self.min_abs or 0.0)
        else:
            self.band = None
        out["band_abs"] = None if self.band is None else self.band * self.unit
        self.reach = detectable(self.options["alpha"], self.main.df) * self.main.se
        if self.log:
            out["mde"] = [exp(-self.reach) - 1, exp(self.reach) - 1]
        elif bounded:
            out["mde"] = [-self.reach / abs(self.main.ma), self.reach / abs(self.main.ma)]

    def own_variance(self):
        """The variance that other rows may have a say in, and its df; None where the row keeps its own."""
        na, nb, base = len(self.a), len(self.b), 1.0 if self.log else self.main.ma
        if not self.blocked and na != nb and self.options["test"] != "student" or not self.log and self.out["ratio_ci"] is None:
            return None
        per_block = share(self.orders) if self.blocked and self.orders else 1 / max(1, len(getattr(self, "blocks", [])))
        unit, df = (per_block, self.main.df) if self.blocked else (1 / na + 1 / nb, na + nb - 2)
        return (self.main.se / base) ** 2 / unit, df

    def moderate(self, factor, df):
        """The model again, with another variance."""
        sizes = None if self.blocked else (len(self.a), len(self.b))
        self.main = moderated_fit(self.main, factor, df, sizes)
        if self.raw.point_p is None:
            self.raw = moderated_fit(self.raw, factor, df, sizes)
        self.numbers()
        self.out["p_model"] = self.main.p()

    def direction(self, difference):
        return change(self.row.metric.direction, difference)

    def outside(self):
        at_most = self.row.at_most
        if not self.log:
            return not at_most(abs(self.raw.estimate), self.band)
        inside = at_most(abs(self.main.estimate), math.log1p(self.m))
        return not inside and (self.min_abs is None or not at_most(abs(self.raw.estimate), self.min_abs))

    def within(self, interval, low, high):
        at_most = self.row.at_most
        return interval is not None and at_most(low, interval[0]) and at_most(interval[1], high)

    def equivalent(self):
        low = 1 / (1 + self.m) if self.log else 1 - self.m
        if self.main.point_p is not None:
            return not self.outside()
        if self.within(self.ci90, low, 1 + self.m):
            return True
        return self.min_abs is not None and self.within(self.raw.ci(.90), -self.min_abs, self.min_abs)

    def verdict(self):
        """Rules 6 to 13, once q is there."""
        out, row, alpha = self.out, self.row, self.options["alpha"]
        if not self.log and self.band is None:
            return "INCONCLUSIVE", "no-scale"
        if self.equivalent():
            return "EQUIVALENT", None
        p, decides = out["p_model"], out["p_model"] if out["q"] is None else out["q"]
        if row.at_most(decides, alpha):
            return (self.direction(self.main.estimate), None) if self.outside() else ("INCONCLUSIVE", "changed-small")
        if row.at_most(p, alpha):
            return "INCONCLUSIVE", "suggestive"
        if self.main.point_p is not None:
            return "INCONCLUSIVE", "no-variance"
        beyond = math.log1p(self.m) if self.log else self.band
        return "INCONCLUSIVE", "open" if row.at_most(self.reach, beyond) else "noisy"


def failures(rows, alpha):
    """`failures`: of each case what was tried and what failed on each side, p, q and the verdict."""
    everything = not any(row.metric.role == "primary" for row in rows)
    cases = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    found = {}
    for case, of in cases.items():
        counts = []
        for side in ("a", "b"):
            cells = [(at, v, row.metric) for row in of for at, v in getattr(row, side).items()]
            lost = {at for at, v, metric in cells if v is None and (everything or metric.role == "primary")}
            counts.append((len({at for at, *_ in cells}), len(lost)))
        (na, fa), (nb, fb) = counts
        if fa or fb:
            table = stats.hypergeom(na + nb, fa + fb, nb)
            p = min(1.0, 2 * min(table.cdf(fb), table.sf(fb - 1)))
            rates = [f / n if n else 0.0 for n, f in counts]
            side = None
            if (not fa) != (not fb) or p <= .25:
                side = "candidate" if rates[1] > rates[0] else "baseline"
            found[case] = {"tried": [na, nb], "failed": [fa, fb], "p": p, "rates": rates, "side": side}
    for one, q in zip(found.values(), adjusted([one["p"] for one in found.values()], "holm")):
        one["q"] = q
        (na, nb), (fa, fb), rates = one["tried"], one["failed"], one["rates"]
        more = (q <= alpha and rates[1] > rates[0]) or (fb == nb >= 3 and fa < na)
        less = (q <= alpha and rates[0] > rates[1]) or (fa == na >= 3 and fb < nb)
        one["verdict"] = "FAILS-MORE" if more else "FAILS-LESS" if less else "UNDECIDED"
        if more or less:
            one["side"] = "candidate" if more else "baseline"
    return found


def failed_side(row, failed):
    """Whose measurements failed, where that is one side alone or one more often: of the case, else the row's own cells."""
    if row.case in failed:
        return failed[row.case]["side"]
    lost = [any(v is None for v in side.values()) for side in (row.a, row.b)]
    return None if lost[0] == lost[1] else "candidate" if lost[1] else "baseline"


def categories(judges, failed, options, everything):
    """The scores of categories, which gate beside the rows."""
    by_category = {}
    for one in judges:
        if (everything or one.row.metric.role == "primary") and one.log:
            by_category.setdefault(one.row.case[0], []).append(one)
    boots = [{at for one in judges for at, v in side(one.row).items() if v is not None} for side in (lambda row: row.a, lambda row: row.b)]
    found = {}
    for category, of in by_category.items():
        of = [one for one in of if not failed_side(one.row, failed)]
        whole = [one for one in of if all(one.row.a.get(at) is not None for at in boots[0])
                 and all(one.row.b.get(at) is not None for at in boots[1])]
        if len({one.row.case for one in whole}) < 2 or min(map(len, boots)) < 2:
            continue
        ways = {one.row.metric.direction for one in whole}
        mixed = {"higher", "lower"} <= ways
        ways = ways - {"none"} or ways
        scores = []
        kept = boots[0] & boots[1] if whole[0].blocked else None
        if kept is not None and len(kept) < 2:
            continue
        for values, all_of in ((lambda row: row.a, kept or boots[0]), (lambda row: row.b, kept or boots[1])):
            scores.append([mean([math.log(values(one.row)[at]) * (-1 if mixed and one.row.metric.direction == "lower" else 1)
                                 for one in whole]) for at in sorted(all_of)])
        orders = [block in whole[0].row.later for block, _ in sorted(kept)] if kept and whole[0].orders else None
        fit = blocked_fit(*scores, True, orders) if kept else two_sided_fit(*scores, "welch", True)
        found[category] = {"rows": len(whole), "ratio": exp(fit.estimate), "ci": [exp(end) for end in fit.ci(.95)], "p": fit.p(),
                           "ci90": [exp(end) for end in fit.ci(.9)], "se": fit.se, "df": fit.df, "min_effect": math.exp(mean([math.log1p(one.m) for one in whole])) - 1, "estimate": fit.estimate,
                           "direction": "higher" if mixed else ways.pop()}
    for one, p_gate in zip(found.values(), adjusted([one["p"] for one in found.values()], "holm")):
        one["p_gate"] = p_gate
        one["verdict"], one["reason"] = category_verdict(one, options["alpha"] / 5)
    return found


def category_verdict(one, alpha):
    """Rules 4 to 13 of a category as a whole, at the scores' share of alpha."""
    margin = math.log1p(one["min_effect"])
    if not one["se"]:
        if one["estimate"] == 0:
            return "EQUIVALENT", "exact"
        beyond = None
    else:
        beyond = "noisy" if detectable(alpha, one["df"]) * one["se"] > margin else "open"
    if -margin <= math.log(one["ci90"][0]) and math.log(one["ci90"][1]) <= margin:
        return "EQUIVALENT", None
    if one["p_gate"] <= alpha:
        decided = abs(one["estimate"]) > margin
        return (change(one["direction"], one["estimate"]), None) if decided else ("INCONCLUSIVE", "changed-small")
    if one["p"] <= alpha:
        return "INCONCLUSIVE", "suggestive"
    return "INCONCLUSIVE", beyond or "no-variance"


def change(better, difference):
    if better == "none":
        return "CHANGED-UP" if difference > 0 else "CHANGED-DOWN"
    return "IMPROVED" if (difference > 0) == (better == "higher") else "REGRESSED"


def scale_of(metric, rows):
    """The scale of a metric, by what is declared and by the values of both sides."""
    values = [v for row in rows for side in (row.a, row.b) for v in side.values() if v is not None]
    if metric.scale == "linear":
        return "linear"
    return "log" if all(v > 0 for v in values) else "linear"


def moderate(family):
    """Moderates the rows of each scale that have a variance, where they are 8 or more."""
    found = []
    for log in (True, False):
        known = [(one, one.own_variance()) for one in family if one.log == log and one.main.point_p is None]
        known = [(one, own) for one, own in known if own]
        if len(known) < 8:
            continue
        d0, s0 = common_variance([s2 for _, (s2, _) in known], [d for _, (_, d) in known])
        for one, (s2, d) in known:
            both = s0 if math.isinf(d0) else (d0 * s0 + d * s2) / (d0 + d)
            one.moderate(both / s2, min(d0 + d, math.fsum(d for _, (_, d) in known)))
        found.append({"scale": "log" if log else "linear", "variance": s0, "df": d0 if math.isfinite(d0) else None, "rows": len(known)})
    return found


def judge(rows, options, told=None):
    """Fills `out` of each row and returns what is said of the page. `told` is the number of decided rows that perfvt has: where
    rounding may decide a row of the family, the intervals after choosing are computed with it."""
    by_metric = {}
    for row in rows:
        by_metric.setdefault(row.metric.name, []).append(row)
    judges, family = [], []
    everything = not any(row.metric.role == "primary" for row in rows)
    for row in rows:
        one = Judge(row, scale_of(row.metric, by_metric[row.metric.name]), options)
        judges.append(one)
        one.in_family = one.estimate() and (everything or row.metric.role == "primary")
        family += [one] * one.in_family
    common = moderate(family) if options["variance"] == "moderated" else []
    ps = [one.out["p_model"] for one in family]
    for one, q, holm in zip(family, adjusted(ps, options["correction"]), adjusted(ps, "holm")):
        one.out["q"], one.out["p_gate"] = q, holm
    failed = failures(rows, options["alpha"])
    scores = categories(judges, failed, options, everything)
    alpha_rows = options["alpha"] * (0.8 if scores else 1)
    for one in judges:
        if "verdict" not in one.out:
            one.out["verdict"], one.out["reason"] = one.verdict()
        side = failed_side(one.row, failed)
        if side:
            one.out["failed"] = side
            if one.out["verdict"] == "INVALID":
                one.out["reason"] = "failures"
            elif one.out["verdict"] in ("EQUIVALENT", "IMPROVED", "INCONCLUSIVE"):
                one.out["verdict"], one.out["reason"] = "INCONCLUSIVE", "failures"
        one.out["gates"] = one.out["verdict"] in CHANGES and (everything or one.row.metric.role == "primary") and (
            one.out["reason"] == "exact" or one.row.at_most(one.out["p_gate"], alpha_rows))
    decided = [one for one in family if one.out["verdict"] in CHANGES]
    for one in decided:
        if one.main.point_p is not None:
            continue
        level = 1 - (told or len(decided)) * 0.05 / len(family)
        one.out["ratio_ci_fcr"], one.out["diff_ci_fcr"] = one.ratio_ci(level), one.diff_ci(level)
    near = any(one.row.near for one in family)
    return {"size": len(family), "decided": told if near else len(decided), "alpha_rows": alpha_rows, "failures": failed,
            "categories": scores, "all_rows": everything, "variances": common}


def exit_code(rows, page, words):
    """What docs/verdicts.md says of `--fail-on` with these words."""
    found = set()
    judged = False
    for row in rows:
        verdict, reason = row.out["verdict"], row.out["reason"]
        if verdict.startswith("MISSING"):
            found.add("missing")
        elif page["all_rows"] or row.metric.role == "primary":
            judged |= verdict != "INVALID"
            if row.out["gates"]:
                found |= {"change", "regression"} if verdict == "REGRESSED" else {"change"}
            if verdict in ("INCONCLUSIVE", "INVALID") and (reason != "failures" or row.out.get("failed") == "candidate"):
                found.add(verdict.lower())
                if reason == "failures":
                    found |= {"regression", "change", "failures"}
    for one in page["categories"].values():
        found |= {"REGRESSED": {"regression", "change"}, "INCONCLUSIVE": set()}.get(one["verdict"], {"change"})
    for one in page["failures"].values():
        if one["verdict"] == "FAILS-MORE":
            return 1
        found |= {"change"} if one["verdict"] == "FAILS-LESS" else set()
        found |= {"regression", "change", "failures"} if one["side"] == "candidate" else set()
    return 3 if not judged else 1 if found & set(words) else 0
