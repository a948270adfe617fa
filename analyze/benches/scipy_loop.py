"""How long a plain loop of SciPy's t-test needs: DIRECTORY CELLS, called by the bench `classic`.

Reads the files that the bench wrote, which is not timed, and tests the first CELLS cells one by one, which is. Prints
the seconds.
"""

import pathlib
import sys
import time

import numpy
import scipy.stats


def values(file):
    """The metrics of one file, a row for each case."""
    rows = [line.split("|") for line in file.read_text().splitlines() if "|" in line][1:]
    return numpy.array([[float(cell) for cell in row[2:]] for row in rows])


def main():
    root, cells = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    a, b = (
        numpy.stack([values(file) for file in sorted((root / side).rglob("*.RHS"))]).reshape(5, -1)
        for side in ("a", "b")
    )
    start = time.perf_counter()
    for cell in range(cells):
        scipy.stats.ttest_ind(a[:, cell], b[:, cell])
    print(f"{time.perf_counter() - start:.4f}")


main()
