"""The figures of this project, measured: `make bench`. Every line checks its answers before it counts its seconds."""
