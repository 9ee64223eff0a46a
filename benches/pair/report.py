"""Rounds become a table: medians, their spread, and the ratio to HAProxy of the same run."""

from statistics import median

REFERENCE = "haproxy"
COLUMNS = [
    # Heading, field of a round, divisor, decimals.
    ("client µs/req", "client_us", 1, 1),
    ("server µs/req", "server_us", 1, 1),
    ("req/s", "per_second", 1, 0),
    ("p50 ms", "p50_ms", 1, 2),
    ("p99 ms", "p99_ms", 1, 2),
    ("sidecars' core busy %", "busy", 0.01, 0),
    ("idle MiB client", "client_idle", 1 << 20, 1),
    ("idle MiB server", "server_idle", 1 << 20, 1),
    ("peak MiB client", "client_peak", 1 << 20, 1),
    ("peak MiB server", "server_peak", 1 << 20, 1),
]
RATIOS = ["client_us", "server_us", "per_second", "p50_ms", "p99_ms", "client_idle", "server_idle"]


def table(rounds):
    """Markdown. `rounds` maps a contestant's name to its list of rounds."""
    lines = [
        "| pair | " + " | ".join(heading for heading, *_ in COLUMNS) + " |",
        "|---|" + "---:|" * len(COLUMNS),
    ]
    for name, mine in rounds.items():
        cells = [_cell([one[field] / divisor for one in mine], decimals) for _, field, divisor, decimals in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values, decimals):
    middle, low, high = (f"{value:.{decimals}f}" for value in (median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratios(rounds):
    """Markdown: each contestant's median over HAProxy's, of this run."""
    if REFERENCE not in rounds:
        return f"No ratios: {REFERENCE} was not in this run."
    headings = {field: heading for heading, field, *_ in COLUMNS}
    lines = [
        f"| × {REFERENCE} | " + " | ".join(headings[field].removesuffix(" ms") for field in RATIOS) + " |",
        "|---|" + "---:|" * len(RATIOS),
    ]
    for name, mine in rounds.items():
        cells = []
        for field in RATIOS:
            reference = median(one[field] for one in rounds[REFERENCE])
            cells.append(f"{median(one[field] for one in mine) / reference:.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
