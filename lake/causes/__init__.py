"""Root causes: counting outcomes by factor, testing what stands out, and telling a cause from its shadow.

Needs numpy, scipy and pyarrow, which Glue has and Lambda has not: only the gold job imports it.
"""
