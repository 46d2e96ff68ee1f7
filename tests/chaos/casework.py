#!/usr/bin/env python3
"""Lets clerks work on cases through three replicas of routing while parts of the board are killed at random.

Clerks accept, hand on, give back, wait, take more time, answer and close; authors ask on and take back. Every
call goes to a replica that chance chooses and is made again under the same request id until it is answered.
Replicas of routing, moderation, nats-server and Postgres are killed (SIGKILL) and started again. The board's
clock is moved (libfaketime) so that the deadlines of many cases pass in the midst of it. In the end the
databases are recounted: what was acknowledged is there once, and nothing else. Exits 1 if not.
"""

from __future__ import annotations

import argparse
import glob
import os
import random
import re
import sys
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python"))

import grpc  # noqa: E402
import liuyan_feed  # noqa: E402, F401  It puts the generated code on the path.
from clerks import Office  # noqa: E402
from liuyan.routing.v1 import case_service_pb2 as routing  # noqa: E402
from liuyan.routing.v1.case_service_pb2_grpc import CaseServiceStub  # noqa: E402
from recount import Database, Recount  # noqa: E402
from servers import Board, Harness, broken, disturb, told_of, wait  # noqa: E402
from work import OPTIONS  # noqa: E402

# What is killed, and how often in comparison.
KINDS = {"routing": 2, "routing-2": 2, "routing-3": 2, "moderation": 2, "nats": 2, "postgres": 2}
# The steps of the clock: the deadline is near at once, and the office above is told as soon as it has passed.
CLOCK = {"NEAR_DAYS": "2", "ESCALATE_DAYS": "0", "SPREAD_MINUTES": "1"}
# How long the board takes to come up, more or less.
RISING = timedelta(seconds=60)
# Where libfaketime may be.
FAKETIME = ("/usr/lib/*/faketime", "/usr/lib*/faketime", "/usr/local/lib/faketime")
# The day in China ends at this hour.
MIDNIGHT = 16


def arguments() -> argparse.Namespace:
    """What the command line says."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("--minutes", type=float, default=10.0, help="3 to 40")
    parser.add_argument("--seed", type=int, default=None, help="of what chance chooses; printed in the end")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    built = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug/liuyan"
    parser.add_argument("--liuyan", default=str(built), help="the command")
    parser.add_argument("--keep", action="store_true", help="keep the board's folder")
    options = parser.parse_args()
    # The day ends within the run, and a token lasts an hour.
    if not 3 <= options.minutes <= 40:
        parser.error("--minutes is 3 to 40")
    return options


def moved(minutes: float) -> timedelta:
    """By how much the board's clock is ahead, so that the day ends when nearly half of the run is over."""
    now = datetime.now(timezone.utc)
    then = now + RISING + timedelta(minutes=0.4 * minutes)
    ends = then.replace(hour=MIDNIGHT, minute=0, second=0, microsecond=0)
    return (ends if ends >= then else ends + timedelta(days=1)) - then


def environment(clock: timedelta) -> dict[str, str]:
    """What every program of the board is started with."""
    libraries = [it for place in FAKETIME for it in glob.glob(f"{place}/libfaketimeMT.so.1")]
    if not libraries:
        raise Harness("no libfaketime was found; Debian has it as a package of that name")
    moved_clock = {
        "LD_PRELOAD": libraries[0],
        "FAKETIME": f"+{int(clock.total_seconds())}s",
        # Waits are measured by the other clock, which goes as always.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return moved_clock | {f"ROUTING__SERVICE__{key}": value for key, value in CLOCK.items()}


class Watch:
    """Measures how long it takes until what was started again does its work."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.since: dict[str, tuple[float, int]] = {}
        self.took: dict[str, list[float]] = defaultdict(list)
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.replicas = {
            name: CaseServiceStub(grpc.insecure_channel(door, options=OPTIONS))
            for name, door in board.doors.items()
            if name.startswith("routing")
        }
        self.database = Database(board.at["postgres"]["routing"])
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def started(self, name: str) -> None:
        """It was started just now."""
        with self.lock:
            self.since[name] = (time.monotonic(), -1)

    def look(self) -> None:
        """Looks until it is told to end."""
        while not self.ended.wait(0.2):
            with self.lock:
                waited_for = dict(self.since)
            for name, (since, heard) in waited_for.items():
                if name in ("nats", "moderation"):
                    count = self.heard()
                    back = 0 <= heard < count
                    if heard < 0 <= count:
                        with self.lock:
                            self.since[name] = (since, count)
                else:
                    replicas = [name] if name in self.replicas else list(self.replicas)
                    back = all(self.answers(replica) for replica in replicas)
                if back:
                    self.took[name.split("-")[0]].append(time.monotonic() - since)
                    with self.lock:
                        if self.since.get(name, (0, 0))[0] == since:
                            del self.since[name]

    def heard(self) -> int:
        """How many approvals routing has heard of; -1 if it can't be told."""
        try:
            return int(self.database.rows("select count(*) as n from openings")[0]["n"])
        except Harness:
            return -1

    def answers(self, replica: str) -> bool:
        """Whether a replica of routing reads its database."""
        try:
            self.replicas[replica].ListCases(routing.ListCasesRequest(page_size=1), timeout=1)
        except grpc.RpcError:
            return False
        return True

    def told(self) -> dict[str, str]:
        """The middle one and the longest, in seconds."""
        self.ended.set()
        return {name: f"{sorted(took)[len(took) // 2]:.1f} s, at most {max(took):.1f} s, {len(took)} times"
                for name, took in sorted(self.took.items())}


def settle(board: Board, office: Office) -> str:
    """Waits until the board is at rest and `liuyan verify` holds; what it says if it does not."""
    said = ""
    database = Database(board.at["postgres"]["moderation"])
    waiting = "select count(*) as n from reviews where state not in ('approved', 'withdrawn')"

    def moderated() -> bool:
        board.look_after()
        return not database.rows(waiting)[0]["n"]

    def holds() -> bool:
        nonlocal said
        board.look_after()
        done = board.tool("verify", "--wait", "20")
        said = broken(done)
        return done.returncode == 0

    wait(moderated, "every message is moderated", 120)
    office.end()
    try:
        wait(holds, "`liuyan verify` holds", 180)
    except Harness:
        return said or "verify does not hold"
    return ""


def some(breaches: list[str]) -> list[str]:
    """A few of each kind, told apart by what is not an id or a number."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for breach in breaches:
        kinds[re.sub(r"[0-9a-f-]*[0-9][0-9a-f-]*", "", breach)[:40]].append(breach)
    return [f"{breach[:400]} ({len(alike)} alike)" for alike in kinds.values() for breach in alike[:2]][:40]


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole test; what it found."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    clock = moved(options.minutes)
    board = Board(options.liuyan, folder, {"routing": 3}, environment(clock))
    began = time.monotonic()
    try:
        board.assemble()
        office, watch = Office(board, seed, clock), Watch(board)
        ready = time.monotonic()
        print(f"the board runs; seed {seed}, {options.minutes:g} minutes", file=sys.stderr, flush=True)
        office.start()
        weights = {kind: KINDS[kind] for kind in options.kinds.split(",")}
        faults = disturb(board, random.Random(seed), options.minutes, weights, watch.started)
        worked = time.monotonic() - ready
        board.look_after()
        office.stop()
        wrong = settle(board, office)
        recount = Recount(board, office.books, office.now())
        breaches = recount.all() + ([f"verify: {wrong}"] if wrong else [])
        if not recount.counts["missed steps"]:
            raise Harness("no deadline has passed within the run: the board took too long to come up")
        return {
            "result": "failed" if breaches else "passed",
            "breaches": some(breaches),
            "seed": seed,
            "minutes": round(worked / 60, 1),
            "start_seconds": round(ready - began),
            "faults": dict(faults),
            "started_again": {n: p.ended_by_itself for n, p in board.programs.items() if p.ended_by_itself},
            "back_within": watch.told(),
            "work": dict(sorted(office.books.counts.items())),
            "unknown": len(office.books.unknown),
            "errors": dict(office.books.errors.most_common(40)),
            "summary": recount.counts | {"faults": faults.total(), "breaches": len(breaches)},
        }
    finally:
        board.stop()


if __name__ == "__main__":
    sys.exit(told_of(run, arguments()))
