"""slipway takes a machine learning repository from a commit to a finished run."""
