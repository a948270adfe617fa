"""Reads a lake with three engines and prints, for each table, rows, sums and columns as one JSON line an engine."""

import json
import sys

import datafusion
import duckdb
import pyarrow.compute as compute
import pyarrow.dataset as dataset

lake = sys.argv[1]


def by_duckdb(table):
    files = f"read_parquet('{lake}/{table}/**/*.parquet', hive_partitioning = true)"
    columns = [row[0] for row in duckdb.sql(f"describe select * from {files}").fetchall()]
    number = "mean" if table == "points" else "value"
    rows, total = duckdb.sql(f"select count(*), sum({number}) from {files}").fetchall()[0]
    return rows, total, columns


def by_pyarrow(table):
    read = dataset.dataset(f"{lake}/{table}", partitioning="hive", format="parquet").to_table()
    number = "mean" if table == "points" else "value"
    return read.num_rows, compute.sum(read[number]).as_py(), read.schema.names


def by_datafusion(table):
    context = datafusion.SessionContext()
    context.register_parquet(table, f"{lake}/{table}/")
    number = "mean" if table == "points" else "value"
    row = context.sql(f"select count(*) as n, sum({number}) as total from {table}").to_pylist()[0]
    columns = context.sql(f"select * from {table} limit 1").schema().names
    return row["n"], row["total"], columns


for name, engine in [("duckdb", by_duckdb), ("pyarrow", by_pyarrow), ("datafusion", by_datafusion)]:
    for table in ["points", "boots"]:
        rows, total, columns = engine(table)
        print(json.dumps({"engine": name, "table": table, "rows": rows, "total": total, "columns": columns}))
