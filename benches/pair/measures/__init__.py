"""How a kind of workload is measured: for each a `measure`, the columns it fills, and which of them become ratios."""
