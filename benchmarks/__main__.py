"""Measures: the service beside the bare handler, or what it costs at scale."""

import argparse

from benchmarks import compare, scale

LARGE = 1_000_000
"""From so many rows on, it is the scale that is measured."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the service with the bare handler, in one run.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--rounds", type=int, help="how often all is measured; by default 5 times, and the scale 25 times"
    )
    parser.add_argument(
        "--scale",
        action=argparse.BooleanOptionalAction,
        help="measure pages, totals and searches in organizations of up to --rows clients; the default from 1,000,000",
    )
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--unbounded", action="store_true", help="do not fail below the least ratios")
    parser.add_argument("--only", help="measure only the cases whose name and door contain this")
    parser.add_argument("--database-url", help="an empty database to use instead of an embedded one")
    options = parser.parse_args()
    if options.scale or (options.scale is None and options.rows >= LARGE):
        options.rounds = options.rounds or 25
        return scale.run(options)
    options.rounds = options.rounds or 5
    return compare.run(options)


if __name__ == "__main__":
    raise SystemExit(main())
