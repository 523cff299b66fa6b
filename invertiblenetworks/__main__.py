"""``python -m invertiblenetworks``: train a Glow on photographs and report."""

from __future__ import annotations

import sys

EXTRAS = ("matplotlib", "tqdm")


def main() -> int:
    """Run the example, or say what has to be installed first."""
    try:
        from .demo.command import main as run_example
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        print(
            f"python -m invertiblenetworks: {package} is needed and not installed. "
            "Install it with: pip install 'invertiblenetworks[examples]'",
            file=sys.stderr,
        )
        return 1
    return run_example()


if __name__ == "__main__":
    sys.exit(main())
