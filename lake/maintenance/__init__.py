"""Table care: what keeps tables small and quick, and changes no answer."""
