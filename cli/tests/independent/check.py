"""Holds perfvt against the model, on random pages: check.py PERFVT FIRST_SEED PAGES. Exit status 1 when they disagree."""
import hashlib
import json
import math
import multiprocessing
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import judge as judging
from model import Metric, Row

CAMPAIGN = "20260101T000000Z-00000001"
LIMITS = {"p_model": 1e-6, "q": 1e-6, "p_gate": 1e-6, "student": 1e-6, "welch": 1e-6, "blocked": 1e-6, "mann_whitney": 1e-9,
          "permutation": 1e-9, "mde": 1e-6}
# Fieller's interval of blocks whose sides are exactly proportional is the root of a difference of rounding errors.
SLACK = {"hedges_g": 1e-12, "ratio_of_means": 1e-12, "ratio_ci": 1e-8, "ratio_ci90": 1e-8, "ratio_ci_fcr": 1e-8}


def random_metric(rng, number):
    some = rng.random
    metric = Metric(f"m{number}", rng.choice(["higher", "lower", "none"]), rng.choice(["primary", "primary", "important", "secondary"]),
                    rng.choice(["log", "linear", "", ""]), rng.choice([0.0, 0.01, 0.05, 0.05, 0.3, 1.0]))
    metric.min_abs = rng.choice([0.5, 1.0, 20.0]) if some() < .3 else None
    metric.exact, metric.count = some() < .15, some() < .1
    metric.zero = rng.choice(["value", "failed"]) if some() < .2 else ""
    return metric


def random_side(rng, kind, n, level, spread):
    """n values of one kind."""
    if kind == "constant":
        return [level] * n
    if kind == "nearly":
        return [level * (1 + rng.randrange(3) * 2.0 ** -52) for _ in range(n)]
    if kind == "ties":
        return [level + round(rng.gauss(0, 1.5)) for _ in range(n)]
    if kind == "zeros":
        return [rng.choice([0.0, 0.0, level]) for _ in range(n)]
    if kind == "zero":
        return [0.0] * n
    if kind == "around-zero":
        return [rng.gauss(0, 1) * level for _ in range(n)]
    if kind == "normal":
        return [rng.gauss(1, spread) * level for _ in range(n)]
    return [math.exp(rng.gauss(0, spread)) * level for _ in range(n)]


KINDS = ["lognormal"] * 8 + ["normal"] * 4 + ["constant", "constant", "nearly", "ties", "ties", "zeros", "zero", "around-zero"]


def random_row(rng, case, metric, na, nb, wild, planned=0):
    """A row; of a campaign repeat i is of block i, and whole blocks move together."""
    level = rng.choice([1e-300, 1e-9, 0.1, 1.0, 100.0, 100.0, 123456.789, 1e12, 1e300] if wild else [5.0, 100.0, 100.0, 3e4])
    kind = rng.choice(KINDS)
    other = kind if rng.random() < .8 else rng.choice(KINDS)
    change = rng.choice([1, 1, 1.01, 1.052, .93, 1.2, 3])
    spreads = [10 ** rng.uniform(-3, -.5) for _ in range(2)]
    values = [random_side(rng, kind, na, level, spreads[0]),
              random_side(rng, other, nb, level * change, spreads[rng.randrange(2)])]
    if max(map(abs, values[0] + values[1])) > 1e307:
        values = [[v / 1e8 for v in side] for side in values]
    if planned and rng.random() < .7:
        shifts = [math.exp(rng.gauss(0, .1)) for _ in range(planned)]
        values = [[v * shifts[at] for at, v in enumerate(side)] for side in values]
    gone = rng.choice([0, 0, 0, .2])
    sides = [{(at + 1 if planned else 0, at + 1): v for at, v in enumerate(side) if rng.random() >= gone} for side in values]
    return Row(case, metric, *sides, planned=planned)


def random_page(seed):
    rng = random.Random(seed)
    metrics = [random_metric(rng, number) for number in range(rng.randint(2, 8))]
    if rng.random() < .1:
        for metric in metrics:
            metric.role = "secondary"
    most = rng.choice([2, 3, 5, 5, 8, 12, 20])
    na = rng.randint(1, most)
    nb = na if rng.random() < .5 else rng.randint(1, most)
    planned = rng.choice([2, 4, 5, 6, 7, 10, 10, 11]) if rng.random() < .3 else 0
    if planned:
        na = nb = planned
    ways = rng.choice([1, 1, 2])
    wild = rng.random() < .3
    rows = [random_row(rng, ("xy"[case % ways], f"k{case}"), metric, na, nb, wild, planned)
            for case in range(rng.randint(1, 8)) for metric in metrics]
    tests = ["auto", "auto", "welch", "student"] + ["blocked"] * 2 * (planned > 0)
    options = {"test": rng.choice(tests), "alpha": rng.choice([.05, .05, .01, .2]),
               "correction": rng.choice(["bh", "holm"])}
    options["fail-on"] = ",".join(rng.sample(["regression", "change", "inconclusive", "missing", "invalid", "failures"], rng.randint(1, 2)))
    alternate = rng.random() < .7
    for row in rows:
        row.later = frozenset(range(1, planned + 1, 1 + alternate))
    options["variance"] = rng.choice(["own", "own", "moderated"])
    return metrics, [row for row in rows if row.a or row.b], options


def write_campaign(folder, rows):
    """Two environments as `perfvt run` leaves them (docs/formats.md)."""
    planned = rows[0].planned
    repeats = rows[0].planned
    order = {True: ["a", "b"], False: ["b", "a"]}
    blocks = [{"block": block, "environments": order[block in rows[0].later]} for block in range(1, repeats + 1)]
    for name in ("a", "b"):
        run = {"format": 1, "perfvt": "0.1.0", "campaign": CAMPAIGN, "environment": name, "workload": "csv", "scenario": "host_guest",
               "started_unix_ns": 1, "params": {}, "factors": [], "repeats": repeats, "rule": {"kind": "fixed", "repeats": repeats},
               "blocks": blocks, "metrics": [], "accel": "kvm", "network": "user", "warnings": [], "fingerprint": {}, "ended": True}
        for repeat in range(1, repeats + 1):
            lines = ""
            for row in rows:
                for (block, at), value in getattr(row, name).items():
                    if at == repeat:
                        category, case = row.case
                        lines += json.dumps({
                            "v": 2, "case": f"csv/{category}/case={case}", "workload": "csv", "category": category,
                            "keys": {"case": case}, "metric": row.metric.name, "unit": "", "value": value, "repeat": repeat,
                            "boot": f"{name}{repeat}", "host_boot": "h", "block": block, "order": 0, "attempt": 1}) + "\n"
            if lines:
                place = folder / name / f"repeat{repeat}.g.csv.host_guest"
                place.mkdir(parents=True)
                end = {"lines": lines.count("\n"), "sum": hashlib.sha256(lines.encode()).hexdigest()}
                (place / "measurements.jsonl").write_text(lines + json.dumps({"v": 2, "end": end}) + "\n")
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "run.json").write_text(json.dumps(run))


def write_page(folder, metrics, rows):
    (folder / "perf.conf").write_text("[csv]\n" + "".join(metric.line() + "\n" for metric in metrics))
    if rows[0].planned:
        return write_campaign(folder, rows)
    for name, side in (("a", "a"), ("b", "b")):
        lines = [f"{row.case[0]},{row.case[1]},{row.metric.name},{repeat},{value!r}\n"
                 for row in rows for (_, repeat), value in getattr(row, side).items()]
        (folder / (name + ".csv")).write_text("category,case,metric,repeat,value\n" + "".join(lines))


def same(mine, theirs, limit, slack=0.0):
    if mine is None or theirs is None:
        return mine is theirs
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(same(x, y, limit, slack) for x, y in zip(mine, theirs))
    return abs(mine - theirs) <= limit * max(abs(mine), abs(theirs)) + slack


def theirs_of(row):
    """A row of the JSON under the model's names."""
    out = {name: row.get(name) for name in (
        "scale", "model", "p_model", "q", "p_gate", "band_abs", "min_effect", "diff", "diff_ci", "diff_ci90", "ratio", "ratio_ci",
        "ratio_ci90", "ratio_of_means", "hedges_g", "ratio_ci_fcr", "diff_ci_fcr", "verdict", "reason", "gates", "failed")}
    out.update(row["p"])
    out.update(na=row["a"]["n"], nb=row["b"]["n"], mde=row["mde"] and [row["mde"]["down"], row["mde"]["up"]])
    return out


def differences(row, theirs):
    """Names of what the two do not agree on."""
    values = [v for side in (row.a, row.b) for v in side.values() if v is not None]
    own = [[math.log(v) if row.out["scale"] == "log" else v for v in side.values() if v is not None] for side in (row.a, row.b)]
    rough = max(abs(v) for side in own for v in side) / max(max(max(side) - min(side) for side in own), 1e-300) if all(own) else 0.0
    slack = 1e-13 * max(map(abs, values), default=0.0)
    wrong = []
    for name, mine in row.out.items():
        other = theirs[name]
        if isinstance(mine, str) or mine is None and not isinstance(other, (float, list)):
            if mine != other and not row.near:
                wrong.append((name, mine, other))
        else:
            limit = max(LIMITS.get(name, 1e-9), (name in LIMITS) * rough * 1e-13)
            near_zero = SLACK.get(name, slack if name.startswith("diff") else 0.0)
            near_zero *= abs(row.out["ratio"] or 1) if name.startswith("ratio_ci") else 1
            if not same(judging.finite(mine), other, limit, near_zero):
                wrong.append((name, mine, other))
    return wrong


def check_page(perfvt, seed, folder):
    metrics, rows, options = random_page(seed)
    for row in rows:
        for side in (row.a, row.b):
            for at, value in side.items():
                side[at] = None if value is not None and row.metric.has_failed(value) else value
    write_rows = random_page(seed)[1]
    write_page(folder, metrics, write_rows)
    sides = ["a", "b"] if rows[0].planned else ["a.csv", "b.csv"]
    words = [perfvt, "compare", *sides, "--config", "perf.conf", "--no-html", "--format", "json"]
    words += [f"--{name}={value}" for name, value in options.items()]
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    code = said.returncode
    if code not in (0, 1, 3):
        return len(rows), 0, [(seed, "page", "exit code", code, said.stderr)]
    said = json.loads(said.stdout)
    family = said["families"][0]
    page = judging.judge(rows, options, family["decided"])
    wrong = [(seed, "page", name, page[name], family[name]) for name in ("size", "decided", "all_rows", "alpha_rows")
             if not same(page[name], family[name], 1e-9)]
    common = family.get("variances", [])
    if len(common) != len(page["variances"]):
        wrong.append((seed, "page", "variances", page["variances"], common))
    for mine, theirs in zip(page["variances"], common):
        wrong += [(seed, "page", "variances " + name, mine[name], theirs[name]) for name in mine
                  if mine[name] != theirs[name] and (isinstance(mine[name], str) or not same(mine[name], theirs[name], 1e-6))]
    predicted = judging.exit_code(rows, page, options["fail-on"].split(","))
    if code != predicted and not any(row.near for row in rows):
        wrong.append((seed, "page", "exit code", predicted, code))
    tables = [("failures", {(one["category"], one["case"]["case"]): {
        "tried": [one["a"]["tried"], one["b"]["tried"]], "failed": [one["a"]["failed"], one["b"]["failed"]], "p": one["p"],
        "q": one["q"], "verdict": one["verdict"]} for one in said["failures"]}),
              ("categories", {one["category"]: {**one, **one["score"]} for one in said["summary"][0]["categories"]})]
    for name, table in tables:
        if set(page[name]) != set(table):
            wrong.append((seed, "page", name, list(page[name]), list(table)))
        for key in set(page[name]) & set(table):
            for member in set(page[name][key]) & set(table[key]):
                mine, other = page[name][key][member], table[key][member]
                if mine != other and (isinstance(mine, str) or not same(mine, other, 1e-6)):
                    wrong.append((seed, "page", name + " " + member, mine, other))
    theirs = {(row["category"], row["case"]["case"], row["metric"]): theirs_of(row) for row in said["rows"]}
    for row in rows:
        other = theirs.pop((*row.case, row.metric.name), None)
        if other is None:
            wrong.append((seed, row, "row", "one", "none"))
            continue
        wrong += [(seed, row, *one) for one in differences(row, other)]
    wrong += [(seed, "page", "a row that the model has not", extra) for extra in theirs]
    return len(rows), sum(row.near for row in rows), wrong


def shown(one):
    """One disagreement, and what it takes to see it again."""
    seed, row, *what = one
    if not isinstance(row, Row):
        return f"seed {seed}: {row} {what}"
    name, mine, theirs = what
    return (f"seed {seed}: {row.case} {row.metric.line()}: {name}: the model has {mine}, perfvt {theirs}\n"
            f"    options {random_page(seed)[2]}, planned blocks {row.planned}\n    A {row.a}\n    B {row.b}")


def one_page(perfvt, seed):
    with tempfile.TemporaryDirectory() as folder:
        rows, near, wrong = check_page(perfvt, seed, Path(folder))
    return rows, near, [shown(one) for one in wrong]


def main():
    perfvt, first, pages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    np.seterr(all="ignore")
    with multiprocessing.Pool(2) as pool:
        results = pool.starmap(one_page, [(perfvt, seed) for seed in range(first, first + pages)])
    rows, near = (sum(result[which] for result in results) for which in (0, 1))
    wrong = [one for *_, found in results for one in found]
    for one in wrong[:40]:
        print(one)
    print(f"{rows} rows of {pages} pages, {len(wrong)} disagreements; {near} verdicts on an edge, where rounding decides, not compared")
    return 1 if wrong or near > rows / 20 else 0


if __name__ == "__main__":
    sys.exit(main())
