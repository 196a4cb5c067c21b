"""Speed of the 835 reader: `python -m benchmarks.remits` writes a file of distinct claims, imports it and prints MB/s.

The file is 4.5 MB by default, one transaction of 100 claims after another, each line with one to three adjustments and remarks; the time
includes netting and making the candidate and remit_lines rows. `--files 10000` writes so many files of `--kilobytes` instead, a tenth
of them sent twice, and runs the command `recoup import-remits` on the folder: wall time, CPU seconds, and the most memory of a process.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from features.intake.remits import import_remits

_CLAIMS = 100
_ISA = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PRACTICE       *240105*1200*^*00501*{:09d}*0*P*:~\n"


def remit_text(size: int, seed: int = 0, first: int = 0) -> str:
    """Return an 835 file of about `size` characters in which no two claims are the same; transactions count on from `first`."""
    draw = random.Random(seed)
    parts = [_ISA.format(1), "GS*HP*PAYER*PRACTICE*20240105*1200*1*X*005010X221A1~\n"]
    written, number = 0, first
    while written < size:
        number += 1
        text = "\n".join(_transaction(draw, number)) + "\n"
        parts.append(text)
        written += len(text)
    parts.append(f"GE*{number}*1~\nIEA*1*000000001~\n")
    return "".join(parts)


def _transaction(draw: random.Random, number: int) -> list[str]:
    body, paid = [], 0
    for claim in range(_CLAIMS):
        segments, claim_paid = _claim(draw, number * _CLAIMS + claim)
        body += segments
        paid += claim_paid
    head = [
        f"ST*835*{number:04d}~",
        f"BPR*I*{paid / 100:.2f}*C*ACH*CCP*01*999999999*DA*1*1999999999**01*999999999*DA*2*20240105~",
        f"TRN*1*{number}*1999999999~",
        "DTM*405*20240105~",
        "N1*PR*A PAYER*XV*60054~",
        "N1*PE*A PRACTICE*XX*1234567893~",
        "LX*1~",
    ]
    return [*head, *body, f"SE*{len(head) + len(body) + 1}*{number:04d}~"]


def _claim(draw: random.Random, number: int) -> tuple[list[str], int]:
    lines, charged, paid, patient = [], 0, 0, 0
    for line in range(1, draw.randint(1, 5) + 1):
        charge = draw.randint(3_000, 90_000)
        contract, share = draw.randint(100, charge // 2), draw.randint(0, charge // 4)
        is_denied = draw.random() < 0.2
        line_paid = 0 if is_denied else charge - contract - share
        lines += [
            f"SVC*HC:{draw.randint(99202, 99215)}:25*{charge / 100:.2f}*{line_paid / 100:.2f}**1~",
            f"DTM*472*202312{draw.randint(1, 28):02d}~",
            *([f"CAS*CO*16*{charge / 100:.2f}~"] if is_denied else [f"CAS*CO*45*{contract / 100:.2f}~", f"CAS*PR*1*{share / 100:.2f}~"]),
            f"REF*6R*{line}~",
            *(["LQ*HE*N130~"] if is_denied else [f"AMT*B6*{(charge - contract) / 100:.2f}~"]),
        ]
        charged, paid, patient = charged + charge, paid + line_paid, patient + (0 if is_denied else share)
    amounts = f"{charged / 100:.2f}*{paid / 100:.2f}*{patient / 100:.2f}"
    head = [f"CLP*A{number:09d}*1*{amounts}*12*ICN{number:012d}*11*1~", "NM1*QC*1*ROE*JANE****MI*M1~", "MOA***MA01~"]
    return [*head, *lines], paid


def _times(path: Path, runs: int) -> Iterator[tuple[float, float]]:
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        found = import_remits([path])
        yield time.perf_counter() - wall, time.process_time() - cpu
        assert found.summary["totals"]["issues"] == 0


def _many(folder: Path, files: int, size: int) -> None:
    """Import a folder of many files with the command, and print what it took."""
    place = folder / "remits"
    place.mkdir()
    for number in range(files):
        path = place / f"{number:06d}.835"
        if number % 10 == 9:
            shutil.copy(place / f"{number - 1:06d}.835", path)
        else:
            # Every file is an interchange of a few transactions whose numbers no other file has.
            path.write_text(remit_text(size, number, number * 1000))
    total = sum(path.stat().st_size for path in place.iterdir()) / 1e6
    command = [sys.executable, "-m", "recoup.cli", "import-remits", str(place), "--out", str(folder / "candidates.csv")]
    wall, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=os.environ | {"RECOUP_HOME": str(folder / "home")}, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - wall, os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{files:,} files, {total:.0f} MB in {wall:.0f} s wall, {cpu:.0f} s CPU: {total / wall:.2f} MB/s, {total / cpu:.2f} MB/CPU s")
    print(f"largest process {peak:.0f} MB, load {os.getloadavg()[0]:.2f}")
    print("\n".join(done.stdout.splitlines()[:2]))


def main() -> None:
    """Print size, seconds, MB/s, peak memory and the load of the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=4.5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", type=int, help="a folder of so many files in place of one")
    parser.add_argument("--kilobytes", type=float, default=42, help="of each of them: about a hundred claims")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.files:
            _many(Path(folder), given.files, int(given.kilobytes * 1000))
            return
        path = Path(folder, "benchmark.835")
        path.write_text(remit_text(int(given.megabytes * 1e6)))
        size = path.stat().st_size / 1e6
        for wall, cpu in _times(path, given.runs):
            print(f"{size:.2f} MB in {wall:.2f} s wall, {cpu:.2f} s CPU: {size / cpu:.2f} MB/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MB, load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
