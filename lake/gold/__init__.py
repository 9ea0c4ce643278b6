"""Gold: the marts, which months of them silver has changed, and how a run recomputes, audits and publishes them."""
