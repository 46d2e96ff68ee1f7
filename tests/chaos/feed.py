#!/usr/bin/env python3
"""Lets an agency follow a board whose parts are killed at random, and counts what it has in the end.

People write and offices work all the time; the feed, nats-server, Postgres, routing and the agency's own
program are killed (SIGKILL) and started again. In the end the agency must have every event that
`ListEvents` gives from the earliest on, each once, without a gap in the positions or in the revisions of
a case, and every message that was acknowledged must be there. Exits 1 if not.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python"))

import grpc  # noqa: E402
from liuyan_feed import FeedServiceStub, feed  # noqa: E402
from servers import Board, Harness, disturb, told_of, wait  # noqa: E402
from work import Work  # noqa: E402

# What is killed, and how often in comparison.
KINDS = {"feed": 4, "nats": 2, "postgres": 2, "routing": 1, "reader": 3}


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="of what chance chooses; printed in the end")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    built = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug/liuyan"
    parser.add_argument("--liuyan", default=str(built), help="the command")
    parser.add_argument("--keep", action="store_true", help="keep the board's folder")
    return parser.parse_args()


def listed(address: str) -> list[feed.Event]:
    """Everything that `ListEvents` gives."""
    events: list[feed.Event] = []
    with grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", 16 << 20)]) as channel:
        stub, cursor = FeedServiceStub(channel), ""
        while True:
            page = stub.ListEvents(feed.ListEventsRequest(cursor=cursor, page_size=500), timeout=60)
            events.extend(page.events)
            cursor = page.cursor
            if page.caught_up:
                return events


def settle(board: Board, work: Work, address: str, store: Path) -> None:
    """Waits until everything that was acknowledged is in the feed, and at the reader."""
    def told() -> bool:
        board.look_after()
        try:
            done = board.tool("verify", "--wait", "20")
        except OSError:
            return False
        return done.returncode == 0

    wait(told, "`liuyan verify` holds", 240)
    head = listed(address)[-1].position

    def read() -> bool:
        board.look_after()
        row = sqlite3.connect(store).execute("select position from place").fetchone()
        return row is not None and row[0] >= head

    wait(read, "the reader has come to the end", 120)


def breaches(store: Path, events: list[feed.Event], work: Work) -> list[str]:
    """Everything that is not as promised."""
    found: list[str] = []
    positions = [event.position for event in events]
    if positions != list(range(1, len(events) + 1)):
        found.append("ListEvents: the positions are not 1, 2, 3 …")
    revisions: Counter[str] = Counter()
    for event in events:
        revisions[event.subject] += 1
        if event.subject_revision != revisions[event.subject]:
            found.append(f"{event.subject}: revision {event.subject_revision} in place {revisions[event.subject]}")
    if len({event.id for event in events}) != len(events):
        found.append("ListEvents: an id comes twice")
    columns = "position, id, type, subject, subject_revision"
    rows = sqlite3.connect(store).execute(f"select {columns} from events order by rowid").fetchall()
    theirs = [(e.position, e.id, e.type, e.subject, e.subject_revision) for e in events]
    if rows != theirs:
        missing, extra = len(set(theirs) - set(rows)), len(set(rows) - set(theirs))
        found.append(f"the reader has not what ListEvents gives in its order: {missing} missing, {extra} more")
    # What was taken back before the feed could show anything of it is never shown: `liuyan verify` has
    # counted it as withheld.
    told = {event.case.message_id for event in events} | work.withdrawn
    lost = [message_id for message_id in work.message_ids if message_id not in told]
    if lost:
        found.append(f"{len(lost)} acknowledged messages have no event: {lost[:3]}")
    return found


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole test; what it found."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    kinds = options.kinds.split(",")
    board = Board(options.liuyan, folder)
    began = time.monotonic()
    try:
        board.assemble()
        address, store = board.at["grpc"]["feed"], folder / "agency.sqlite"
        agency = board.at["agency"]
        command = [sys.executable, str(ROOT / "clients/python/follow.py"), "--feed", address]
        command += ["--store", str(store), "--identity", board.at["grpc"]["identity"], "--heartbeat", "5"]
        secrets = {"CLIENT_ID": agency["client_id"], "CLIENT_SECRET": agency["client_secret"]}
        reader = board.program("reader", command, secrets)
        reader.start()
        work = Work(board, seed)
        work.start()
        ready = time.monotonic()
        print(f"the board runs; seed {seed}, {options.minutes:g} minutes", file=sys.stderr, flush=True)
        faults = disturb(board, random.Random(seed), options.minutes, {kind: KINDS[kind] for kind in kinds})
        board.look_after()
        work.stop()
        settle(board, work, address, store)
        events = listed(address)
        found = breaches(store, events, work)
        return {
            "result": "failed" if found else "passed",
            "breaches": found[:20],
            "seed": seed,
            "minutes": round((time.monotonic() - ready) / 60, 1),
            "start_seconds": round(ready - began),
            "faults": dict(faults),
            "started_again": {n: p.ended_by_itself for n, p in board.programs.items() if p.ended_by_itself},
            "work": dict(sorted(work.counts.items())),
            "events": len(events),
            "cases": len({event.subject for event in events}),
            "event_types": dict(Counter(event.type.rsplit(".", 1)[1] for event in events)),
            "refusals": work.failures[:5],
            "acknowledged": len(work.message_ids),
        }
    finally:
        board.stop()
        if "reader" in board.programs:
            board.programs["reader"].stop()


if __name__ == "__main__":
    sys.exit(told_of(run, arguments()))
