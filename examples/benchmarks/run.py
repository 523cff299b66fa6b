"""Compare this package with others: print tables, draw figures, and hold the goals
against them.

``python run.py`` makes a virtual environment for the other libraries when there is
none, and takes about an hour; nothing else should run on the machine meanwhile.
``--quick`` tries everything in little, with the other libraries only if they are
there. The README.md beside this file says how things are measured.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from suite import peers, report
from suite.experiments import EXPERIMENTS
from suite.machine import describe, n_processors
from suite.processes import Launcher
from suite.results import Results
from suite.task import Settings

ROUNDS, SECONDS = 3, 1.5


def main() -> None:
    options = parse_options()
    launcher = Launcher(
        peers=find_peers(options),
        rounds=options.rounds,
        seconds=0.0 if options.quick else SECONDS,
    )
    settings = Settings(quick=options.quick, threads=options.threads)
    machine = describe(launcher.peers, options.threads)
    chosen = [EXPERIMENTS[name] for name in options.only]
    options.out.mkdir(parents=True, exist_ok=True)
    stored = options.out / report.RESULTS
    resume = options.resume and stored.is_file()
    results = Results.read(stored) if resume else Results()
    if options.quick:
        groups = [group for e in chosen for group in e.groups(settings)]
        launcher.run_together(groups, results)
    else:
        for experiment in chosen:
            for group in experiment.groups(settings):
                label = group[0].configuration.label
                print(f"{experiment.name}: {label}", file=sys.stderr)
                launcher.run_in_turn(group, results)
                results.write(stored, machine)
    results.write(stored, machine)
    print(report.write(chosen, results, settings, machine, options.out))
    sys.exit("\n".join(results.errors()) or None)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    quick = "EXAMPLES_QUICK" in os.environ
    names = list(EXPERIMENTS)
    parser.add_argument(
        "--quick", action="store_true", default=quick, help="tiny sizes, one round"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("benchmark-results"), help="folder to write to"
    )
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, help="experiments to run"
    )
    parser.add_argument(
        "--peers", type=Path, help="environment (or interpreter) of other libraries"
    )
    parser.add_argument(
        "--no-peers", action="store_true", help="measure this package alone"
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="processes per measurement"
    )
    parser.add_argument("--threads", type=int, default=n_processors())
    parser.add_argument(
        "--resume", action="store_true", help="keep what --out already has"
    )
    return parser.parse_args()


def find_peers(options: argparse.Namespace) -> Path | None:
    """Return the interpreter that has the other libraries, if there is to be one."""
    if options.no_peers:
        return None
    if options.peers:
        return existing(peers.interpreter(options.peers))
    folder = peers.default_folder()
    if not peers.is_complete(folder):
        if options.quick:
            return None
        print(f"installing the other libraries in {folder}", file=sys.stderr)
        peers.install(folder)
    return peers.interpreter(folder)


def existing(interpreter: Path) -> Path:
    """Return the path, or end the program if there is nothing."""
    if not interpreter.is_file():
        sys.exit(f"--peers: {interpreter} does not exist")
    return interpreter


if __name__ == "__main__":
    main()
