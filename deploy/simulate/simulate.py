#!/usr/bin/env python3
"""How 34 cells bear a national peak, second by second. `just simulate`; every assumption is an option.

A cell takes messages up to a rate, keeps what is beyond it waiting for at most the patience of its door, and refuses the rest. What was
taken is screened, opened as a case and shown in the feed, each up to a rate; what waits there is late and never lost.
"""

import argparse
import csv
import json
import math
import pathlib
import random

CELLS = pathlib.Path(__file__).with_name("cells.csv")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--messages-a-day", type=float, default=300_000, help="of the whole country, on a usual day")
    add("--peak", type=float, default=10, help="how many times a usual day the worst day has")
    add("--hour-share", type=float, default=0.12, help="part of a day's messages in its busiest hour")
    add("--event-cell", default="44", help="the cell in which something happens that everybody writes about")
    add("--event-share", type=float, default=0.002, help="part of that cell's people who write within the event")
    add("--event-minutes", type=float, default=30, help="how long the event's wave takes")
    add("--accept", type=float, default=3_000, help="messages a second that one cell takes; half of the least that two cores took in measurements")
    add("--queue", type=float, default=1_536, help="messages that may be under way or wait at the door (intake's limits)")
    add("--screen", type=float, default=250, help="messages a second that one pod of moderation screens (assumed, not measured)")
    add("--open", type=float, default=200, help="cases a second that one pod of routing opens (assumed, not measured)")
    add("--pods", type=int, default=3, help="pods of moderation and routing in a cell")
    add("--held", type=float, default=0.15, help="part of the messages that wait for a person")
    add("--seed", type=int, default=1)
    add("--output", choices=["text", "json"], default="text")
    return parser.parse_args()


def poisson(chance, mean):
    """A number of arrivals; by the normal distribution where the mean is large."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count, product = count + 1, product * chance.random()
    return count


def wave(second, length):
    """The density of an event's wave: rises in a fifth of its time, falls in the rest."""
    if not 0 <= second < length:
        return 0.0
    top = length / 5
    height = 2 / length
    return height * second / top if second < top else height * (length - second) / (length - top)


def simulate(cell, share, o, chance):
    usual = o.messages_a_day * o.peak * o.hour_share / 3600 * share
    writers = cell["people"] * o.event_share if cell["code"] == o.event_cell else 0
    door = screening = opening = 0.0
    told = {"arrived": 0, "refused": 0, "most_a_second": 0, "longest_at_the_door_s": 0.0, "most_to_screen": 0, "most_to_open": 0}
    late, second = None, 0
    while second < 3600 or (door or screening >= 1 or opening >= 1) and second < 7 * 86_400:
        mean = (usual if second < 3600 else 0) + writers * wave(second - 600, o.event_minutes * 60)
        arrived = poisson(chance, mean) if mean else 0
        taken = min(door + arrived, o.accept)
        door = door + arrived - taken
        refused = max(0, door - o.queue)
        door -= refused
        screened = min(screening + taken, o.screen * o.pods)
        screening += taken - screened
        passing = screened * (1 - o.held)
        opened = min(opening + passing, o.open * o.pods)
        opening += passing - opened
        told["arrived"] += arrived
        told["refused"] += round(refused)
        told["most_a_second"] = max(told["most_a_second"], arrived)
        told["longest_at_the_door_s"] = max(told["longest_at_the_door_s"], round(door / o.accept, 2))
        told["most_to_screen"] = max(told["most_to_screen"], round(screening))
        told["most_to_open"] = max(told["most_to_open"], round(opening))
        wait = screening / (o.screen * o.pods) + opening / (o.open * o.pods)
        late = max(late or 0, wait)
        second += 1
    told["longest_until_open_s"] = round(late + 1)
    told["to_people"] = round(told["arrived"] * o.held)
    return {"cell": cell["code"], "name": cell["name"], **told}


def main():
    o = options()
    with CELLS.open() as file:
        cells = [{**row, "people": int(row["people"])} for row in csv.DictReader(file)]
    everybody = sum(cell["people"] for cell in cells)
    chance = random.Random(o.seed)
    rows = [simulate(cell, cell["people"] / everybody, o, chance) for cell in cells]
    if o.output == "json":
        for row in rows:
            print(json.dumps(row))
        return
    heads = [("cell", 20), ("messages", 10), ("most/s", 8), ("refused", 8), ("door", 7), ("to screen", 10), ("to open", 8), ("late", 8), ("to people", 10)]
    print("".join(f"{head:<{width}}" if head == "cell" else f"{head:>{width}}" for head, width in heads))
    for row in sorted(rows, key=lambda row: -row["arrived"]):
        print(f"{row['cell'] + ' ' + row['name']:<20}{row['arrived']:>10}{row['most_a_second']:>8}{row['refused']:>8}"
              f"{row['longest_at_the_door_s']:>6}s{row['most_to_screen']:>10}{row['most_to_open']:>8}{row['longest_until_open_s']:>7}s{row['to_people']:>10}")
    total = {key: sum(row[key] for row in rows) for key in ("arrived", "refused", "to_people")}
    print(f"{'all':<20}{total['arrived']:>10}{'':>8}{total['refused']:>8}{'':>33}{total['to_people']:>10}")


main()
