"""Has the name of a package that the environment of the tests has as well: the layer's copy must win."""

WHERE = "layer"
