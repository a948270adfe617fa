"""Answers one query by DuckDB, as a JSON list of rows."""

import json
import sys

import duckdb

print(json.dumps([list(row) for row in duckdb.sql(sys.argv[1]).fetchall()]))
