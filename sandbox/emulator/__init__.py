"""The AWS emulator with what it lacks: `python -m sandbox.emulator`."""
