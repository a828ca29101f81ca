"""Stand-ins for the apps of Open edX that the package reads: their labels, models and fields, and nothing else."""
