"""Gold, one table a pair of files: NAME.sql says how its rows come from silver, NAME.yaml what they mean.

A package, so that the pairs travel in the zips of the jobs and the layer. `lake.gold.marts` reads them and says what
the yaml may hold; the SQL is Spark SQL over the views that `lake.gold.refresh` names.
"""
