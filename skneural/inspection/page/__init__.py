"""The report on a fitted estimator as one HTML page that needs nothing else."""
