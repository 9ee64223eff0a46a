"""Rounds become tables: medians, their spread, and the ratios to others in the same run."""

from math import isnan
from statistics import median

REFERENCES = ["haproxy", "envoy"]


def tables(rounds, columns, references=REFERENCES):
    """Markdown. `rounds` maps a contestant's name to its list of rounds."""
    lines = _table("pair", [column.heading for column in columns])
    for name, mine in rounds.items():
        lines.append(_row(name, [_cell([one[column.field] / column.divisor for one in mine], column) for column in columns]))
    compared = [column for column in columns if column.ratio]
    for reference in references:
        if reference in rounds and compared and len(rounds) > 1:
            lines += ["", *_table(f"× {reference}", [column.heading for column in compared])]
            lines += [_row(name, [_ratio(mine, rounds[reference], column.field) for column in compared])
                      for name, mine in rounds.items()]
    return "\n".join(lines)


def _table(corner, headings):
    return [_row(corner, headings), "|---|" + "---:|" * len(headings)]


def _row(name, cells):
    return f"| {name} | " + " | ".join(cells) + " |"


def _cell(values, column):
    if any(map(isnan, values)):
        return "–"
    middle, low, high = (f"{value:.{column.decimals}f}" for value in (median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def _ratio(mine, theirs, field):
    one, other = (median(values[field] for values in rounds) for rounds in (mine, theirs))
    # What could not be measured is not above nothing either. A difference can be nothing, or less by chance: there is no telling how many times that is.
    return f"{one / other:.2f}" if one > 0 and other > 0 else "–"
