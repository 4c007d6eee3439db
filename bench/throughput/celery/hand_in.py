"""Hands in every key that its standard input names, one a line."""

import os
import sys

from pipeline import app, validate

with app.connection_for_write() as connection, connection.Producer() as producer:
    for line in sys.stdin:
        validate.apply_async((os.environ["BENCH_BUCKET"], line.strip()), producer=producer)
