"""Lake Formation on a laptop: what stacks declare of it, enforced by the engine behind Athena.

The emulator has no Lake Formation. `declared` reads a stack's resources, `engine` turns them into the rules of the
engine's access control, `store` keeps them in the emulator's process and writes the rules. Nothing here knows a lake.
"""
