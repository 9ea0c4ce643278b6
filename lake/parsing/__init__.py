"""From a file's bytes to records of text: sources, encodings, csv and xlsx, streamed and numbered exactly.

Runs inside Spark's Python workers (`mapInArrow`); it knows neither Spark nor what a record means.
"""
