#!/usr/bin/env python3
"""Keeps the public cases of a board in an SQLite file.

Events and place are stored in one transaction: after a crash both are there, or neither. So each event
is stored once, whatever happens to this program, to the board, or to the line between them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import threading

from google.protobuf.json_format import MessageToJson
from liuyan_feed import Agency, Refused, Step, feed, follow

TABLES = """
create table if not exists place (
    one integer primary key check (one = 1), cursor text not null, position integer not null);
create table if not exists events (
    id text primary key, position integer not null, type text not null, subject text not null,
    subject_revision integer not null, json text not null);
create table if not exists cases (subject text primary key, json text not null);
"""
# Of these nothing may be kept but the ids.
HIDDEN = "liuyan.feed.v1.case-hidden"
TEXT_CHANGED = "liuyan.routing.v1.case-text-changed"


def store(database: sqlite3.Connection, step: Step) -> tuple[int, int]:
    """Stores a step; gives how many events were new, and how many were there already."""
    new = 0
    with database:
        for event in step.events:
            new += store_event(database, event)
        database.execute(
            "insert into place values (1, ?, ?)"
            " on conflict (one) do update set cursor = excluded.cursor, position = excluded.position",
            (step.cursor, step.position),
        )
    return new, len(step.events) - new


def store_event(database: sqlite3.Connection, event: feed.Event) -> int:
    """Stores one event, and takes back what it takes back; 0 if it was there."""
    text = MessageToJson(event, indent=None)
    row = (event.id, event.position, event.type, event.subject, event.subject_revision, text)
    new = database.execute("insert or ignore into events values (?, ?, ?, ?, ?, ?)", row).rowcount
    if not new:
        return 0
    if event.type in (HIDDEN, TEXT_CHANGED):
        # The feed has rewritten its own earlier events; here their texts go, too.
        database.execute(
            "update events set json = '{}' where subject = ? and position < ?",
            (event.subject, event.position),
        )
    if event.type == HIDDEN:
        database.execute("delete from cases where subject = ?", (event.subject,))
    elif event.subject:
        database.execute(
            "insert into cases values (?, ?) on conflict (subject) do update set json = excluded.json",
            (event.subject, MessageToJson(event.case, indent=None)),
        )
    return new


def main() -> int:
    """Follows until it is told to stop, or, with `--until-caught-up`, to the newest event."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", required=True, metavar="HOST:PORT")
    parser.add_argument("--store", required=True, metavar="FILE")
    parser.add_argument("--identity", metavar="HOST:PORT", help="with CLIENT_ID and CLIENT_SECRET set")
    parser.add_argument("--heartbeat", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--until-caught-up", action="store_true")
    arguments = parser.parse_args()
    agency = None
    if arguments.identity:
        agency = Agency(
            arguments.identity, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
        )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    database = sqlite3.connect(arguments.store)
    database.executescript(TABLES)
    row = database.execute("select cursor from place").fetchone()
    told = {"new": 0, "repeated": 0, "reconnected": 0}
    try:
        for step in follow(
            arguments.feed,
            row[0] if row else "",
            agency=agency,
            heartbeat=arguments.heartbeat,
            stopped=stop.is_set,
        ):
            new, repeated = store(database, step)
            told["new"] += new
            told["repeated"] += repeated
            if step.told.startswith("away"):
                told["reconnected"] += 1
                print(step.told, file=sys.stderr, flush=True)
            if arguments.until_caught_up and step.caught_up:
                break
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
