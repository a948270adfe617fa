"""Reads `{"p": .., "series": [[..], ..]}` and prints where Otava sees change points in each, one JSON line a series."""

import json
import sys

from otava.analysis import compute_change_points

asked = json.load(sys.stdin)
for series in asked["series"]:
    points, _ = compute_change_points(series, window_len=50, max_pvalue=asked["p"])
    print(json.dumps([int(point.index) for point in points]))
