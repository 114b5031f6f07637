#!/usr/bin/env python3
"""What it costs per routed call to keep a backup and to keep call data on disk: the calls of ../calls/bench.py, with and without, in turn.

  cost.py backup --rate 50 --seconds 20 --rounds 3     CPU of the primary T-Server with a backup that is told everything, and alone
  cost.py store --rate 50 --seconds 20 --rounds 3      CPU of the Connector with startup/persistent-storage-path, and without
Printed are all runs, then the medians. Other options are those of bench.py; the machine should have nothing else to do.
"""
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "calls"))
import bench  # noqa: E402


def main():
    parser = bench.arguments(__doc__)
    parser.add_argument("what", choices=["backup", "store"])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.capture = False
    bench.more_descriptors()
    rate = (args.rate or [50])[0]
    runs = {False: [], True: []}
    for number in range(args.rounds):
        for on in (False, True):
            args.backup, args.store = (on, True) if args.what == "backup" else (args.backup, on)
            print(f"-- round {number + 1}, {args.what} {'on' if on else 'off'}", flush=True)
            runs[on].append(bench.run(args, rate))
    middle = {on: {key: statistics.median(one[key] for one in ran) for key in ran[0]} for on, ran in runs.items()}
    without, with_it = middle[False], middle[True]
    process = "tserver" if args.what == "backup" else "connector"
    more = with_it[process] - without[process]
    print(f"== {args.what}, {rate} calls/s, medians of {args.rounds}: CPU of the {'primary T-Server' if args.what == 'backup' else 'Connector'} "
          f"{without[process] * 1000:.0f} us a call without, {with_it[process] * 1000:.0f} us with: {more * 1000:+.0f} us, "
          f"{100 * more / without[process]:+.1f} %, {100 * more / with_it[process]:.1f} % of its time")
    if args.what == "backup":
        print(f"   synchronisation {with_it['sync']:.0f} bytes a call on the wire; the backup {with_it['backup'] * 1000:.0f} us a call")
    else:
        print(f"   disk {with_it['disk']:.0f} bytes a call; link from the Connector {without['link']:.0f} bytes a call without, {with_it['link']:.0f} with")


if __name__ == "__main__":
    main()
