"""Labels, fitting, evaluation: what only analysts run."""
