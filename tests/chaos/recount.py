"""Recounts casework from the databases: what was acknowledged, and what each row says of the others."""

from __future__ import annotations

import json
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from clerks import Books
from liuyan.routing.v1 import routing_events_pb2 as events
from servers import Board, Harness, found

PACKAGE = "liuyan.routing.v1."
# The event that each act says. What a reply says beside its own depends on where the case stood.
SAYS = {
    "case-accepted": ["case-accepted"],
    "case-transferred": ["case-transferred"],
    "case-decided": ["case-transferred"],
    "case-returned": ["case-returned"],
    "case-referred": ["case-returned"],
    "case-replied": ["case-replied"],
    "case-paused": ["case-paused"],
    "case-resumed": ["case-resumed"],
    "deadline-extended": ["case-extended"],
    "helper-invited": ["helper-invited"],
    "reply-corrected": ["reply-corrected"],
    "case-reopened": ["case-reopened"],
    "case-supervised": ["case-supervised"],
    "case-closed": ["case-closed"],
    "case-withdrawn": ["case-closed"],
    "follow-up-asked": ["follow-up-asked"],
    "deadline-neared": ["deadline-neared"],
    "deadline-missed": ["deadline-missed"],
    "case-escalated": ["case-supervised", "case-escalated"],
    "precedent-set": [],
}
# The acts by which the calls of clerks and authors are logged.
LOGGED = {
    "AcceptCase": {"case-accepted"},
    "TransferCase": {"case-transferred", "case-decided"},
    "ReturnCase": {"case-returned", "case-referred"},
    "ReplyToCase": {"case-replied"},
    "PauseCase": {"case-paused"},
    "ResumeCase": {"case-resumed"},
    "ExtendDeadline": {"deadline-extended"},
    "InviteHelper": {"helper-invited"},
    "CorrectReply": {"reply-corrected"},
    "ReopenCase": {"case-reopened"},
    "SuperviseCase": {"case-supervised"},
    "CloseCase": {"case-closed"},
    "AskFollowUp": {"follow-up-asked"},
}
HANDED_ON = {"case-transferred", "case-decided", "case-returned", "case-referred"}
STEPS = {"near": "deadline-neared", "missed": "deadline-missed", "escalated": "case-escalated"}
# What is for offices alone and has no place in the feed.
NOT_IN_FEED = {"deadline-neared", "deadline-missed", "case-escalated", "case-supervised"}
# Who hears what routing says.
HEARERS = ("feed", "notification", "stats", "intake")
# A step whose time came so long ago should have been said, in seconds.
LATE = 30


class Database:
    """One database, asked by psql."""

    def __init__(self, url: str) -> None:
        postgres = Path(found("postgres", ["/usr/lib/postgresql/*/bin/postgres"])).resolve()
        psql = postgres.with_name("psql")
        self.command = [str(psql) if psql.exists() else found("psql", []), url, "-XAtqc"]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query gives."""
        whole = f"select coalesce(json_agg(r), '[]') from ({query}) r"
        done = subprocess.run([*self.command, whole], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise Harness(f"psql: {done.stderr}")
        return list(json.loads(done.stdout))


@dataclass
class Standing:
    """Where a case stands, told from its acts alone."""

    office_id: str
    # Offices above which there is none that could be told.
    topmost: set[str]
    state: str = "assigned"
    paused: bool = False
    replies: int = 0
    returns: int = 0
    offices: list[str] = field(default_factory=list)
    says: Counter[str] = field(default_factory=Counter)

    def after(self, act: dict[str, Any]) -> str:
        """Follows one act; what is wrong with it, or nothing."""
        action = act["action"]
        # A precedent is set by the office that has just given the case away.
        held_by = act["office_id"] if action != "precedent-set" else self.office_id
        wrong = "" if held_by == self.office_id else f"{action} of {held_by}, not {self.office_id}"
        self.says.update(SAYS[action])
        if action == "case-escalated" and self.office_id in self.topmost:
            self.says[action] -= 1
        if self.paused and action in ("case-replied", "case-withdrawn"):
            self.says["case-resumed"] += 1
            self.paused = False
        if action in HANDED_ON:
            self.office_id = act["detail"].rsplit("to=", 1)[1]
            self.offices.append(self.office_id)
            self.state = "assigned"
            self.returns += action in ("case-returned", "case-referred")
        elif action == "case-replied":
            self.says["case-accepted"] += self.state == "assigned"
            self.state = "replied"
            self.replies += 1
        elif action in ("case-accepted", "case-reopened", "follow-up-asked"):
            self.state = "accepted"
        elif action in ("case-closed", "case-withdrawn"):
            self.state = "closed"
        elif action in ("case-paused", "case-resumed"):
            self.paused = action == "case-paused"
        return wrong


class Recount:
    """All that is looked at in the end."""

    def __init__(self, board: Board, books: Books, now: datetime) -> None:
        self.books, self.now = books, now
        self.breaches: list[str] = list(books.breaches)
        self.counts: dict[str, int] = {}
        routing, feed = (Database(board.at["postgres"][name]) for name in ("routing", "feed"))
        self.cases = {row["case_id"]: row for row in routing.rows(
            "select case_id, message_id, office_id, state, outcome, paused_at, reply_count, return_count,"
            " step_count, act_count, custody_count, step_due_at,"
            " (extract(epoch from opened_at) * 1000000)::bigint as opened_at,"
            " (extract(epoch from closed_at) * 1000000)::bigint as closed_at from cases")}
        self.acts = routing.rows(
            "select case_id, position, actor, action, office_id, request_id, detail from acts"
            " order by case_id, position")
        self.custody = routing.rows(
            "select case_id, position, office_id,"
            " (extract(epoch from held_from) * 1000000)::bigint as held_from,"
            " (extract(epoch from held_until) * 1000000)::bigint as held_until"
            " from custody order by case_id, position")
        self.topmost = {row["office_id"] for row in routing.rows(
            "select office_id from offices where parent_office_id is null")}
        self.steps = routing.rows("select case_id, step from steps")
        self.said = routing.rows(
            "select event_id, subject_id as case_id, version, type, encode(payload, 'hex') as payload"
            f" from messaging.outbox where subject_id in (select case_id from cases)")
        self.heard = Counter(row["event_id"] for row in feed.rows(
            "select event_id from pending union all select event_id from log"
            " union all select event_id from withheld"))
        self.positions = {
            name: {row["subject_id"]: row["version"] for row in Database(board.at["postgres"][name]).rows(
                "select subject_id, version from messaging.positions where source = 'routing'")}
            for name in HEARERS
        }
        self.taken_back = {row["message_id"] for row in Database(board.at["postgres"]["moderation"]).rows(
            "select message_id from reviews where state = 'withdrawn'")}
        self.waiting = routing.rows("select message_id, state from openings where state <> 'done'")

    def all(self) -> list[str]:
        """Looks at everything; what is not as promised."""
        self.messages()
        self.acknowledged()
        self.clock()
        self.told()
        self.replayed()
        self.held()
        return self.breaches

    def that(self, holds: bool, what: str) -> None:
        """Notes what does not hold."""
        if not holds:
            self.breaches.append(what)

    def messages(self) -> None:
        """Every acknowledged message has exactly one case; none if its author took it back in time."""
        cased = Counter(case["message_id"] for case in self.cases.values())
        taken_back = self.taken_back & self.books.wishes
        for message_id in self.books.messages:
            cases, due = cased[message_id], int(message_id not in taken_back)
            self.that(cases == due, f"message {message_id} has {cases} cases, not {due}")
        self.that(not self.waiting, f"{len(self.waiting)} approved messages wait for their cases")
        self.counts |= {"messages": len(self.books.messages), "cases": len(self.cases)}

    def acknowledged(self) -> None:
        """Every acknowledged act is logged once and said once, under its request; a refused one never."""
        logged: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for act in self.acts:
            if act["request_id"] and act["action"] != "precedent-set":
                logged[act["request_id"]].append(act)
        said: Counter[tuple[str, str]] = Counter()
        for event in self.said:
            said[cause_of(event), event["type"].removeprefix(PACKAGE)] += 1
        for request_id, asked in self.books.acknowledged.items():
            acts = logged.pop(request_id, [])
            name = f"{asked.deed} {request_id}"
            self.that(len(acts) == 1, f"{name} was acknowledged and is logged {len(acts)} times")
            for act in acts:
                fits = act["action"] in LOGGED[asked.deed] and act["case_id"] == asked.case_id
                self.that(fits, f"{name} is logged as {act['action']} of case {act['case_id']}")
                for event in SAYS[act["action"]]:
                    times = said[request_id, event]
                    self.that(times == 1, f"{name}: {event} was said {times} times")
        for request_id, asked in self.books.refused.items():
            self.that(request_id not in logged, f"{asked.deed} {request_id} was refused and is logged")
        for request_id in logged.keys() - self.books.refused.keys() - self.books.unknown.keys():
            self.breaches.append(f"request {request_id} is logged and was never asked")
        self.counts |= {"acts": len(self.acts), "acknowledged": len(self.books.acknowledged)}

    def clock(self) -> None:
        """Each step of each case's clock is logged and said exactly once, and none that has come is left."""
        for step, action in STEPS.items():
            taken = Counter(row["case_id"] for row in self.steps if row["step"] == step)
            logged = Counter(act["case_id"] for act in self.acts if act["action"] == action)
            once = all(times == 1 for times in taken.values())
            self.that(once and taken == logged, f"{step}: steps and acts differ: {different(taken, logged)}")
            said = Counter(it["case_id"] for it in self.said if it["type"] == PACKAGE + action)
            told = taken
            if step == "escalated":
                # Where nobody is above, nobody is told; the case is watched all the same.
                told = Counter(act["case_id"] for act in self.acts
                               if act["action"] == action and act["office_id"] not in self.topmost)
            self.that(told == said, f"{step}: steps and events differ: {different(told, said)}")
            self.counts[f"{step} steps"] = sum(taken.values())
        for case_id, case in self.cases.items():
            due = case["step_due_at"] and datetime.fromisoformat(case["step_due_at"])
            late = bool(due) and (self.now - due).total_seconds() > LATE
            self.that(not late, f"case {case_id}: a step was due at {due} and was not taken")

    def told(self) -> None:
        """Each event of a case has come to whoever hears it, once into the feed; versions have no gap."""
        versions: dict[str, list[int]] = defaultdict(list)
        for event in self.said:
            versions[event["case_id"]].append(event["version"])
            times = self.heard[event["event_id"]]
            kind, name = event["type"].removeprefix(PACKAGE), f"{event['type']} of case {event['case_id']}"
            self.that(times == int(kind not in NOT_IN_FEED), f"{name} is in the feed {times} times")
        for case_id, of_case in versions.items():
            whole = sorted(of_case) == list(range(1, len(of_case) + 1))
            self.that(whole, f"case {case_id}: versions {sorted(of_case)}")
            for hearer, positions in self.positions.items():
                heard = positions.get(case_id)
                self.that(heard == len(of_case), f"{hearer} is at {heard} of {len(of_case)} of case {case_id}")
        self.counts["events"] = len(self.said)

    def replayed(self) -> None:
        """No case stands where its acts do not lead, and it has said what they say and nothing else."""
        held_by: dict[str, list[str]] = defaultdict(list)
        for segment in self.custody:
            held_by[segment["case_id"]].append(segment["office_id"])
        standing = {it: Standing(held_by[it][0], self.topmost, offices=held_by[it][:1]) for it in self.cases}
        positions: Counter[str] = Counter()
        for act in self.acts:
            case_id = act["case_id"]
            positions[case_id] += 1
            in_place = act["position"] == positions[case_id]
            self.that(in_place, f"case {case_id}: act {act['position']} is out of place")
            wrong = standing[case_id].after(act)
            self.that(not wrong, f"case {case_id}: {wrong}")
        said: dict[str, Counter[str]] = defaultdict(Counter)
        for event in self.said:
            said[event["case_id"]][event["type"].removeprefix(PACKAGE)] += 1
        for case_id, case in self.cases.items():
            led = standing[case_id]
            # What was withdrawn before its case was opened is opened and closed at once.
            at_once = not positions[case_id] and case["outcome"] == "withdrawn"
            led.state = "closed" if at_once else led.state
            led.says.update(["case-opened", "case-closed" if at_once else "case-assigned"])
            is_at = (case["office_id"], case["state"], case["paused_at"] is not None)
            is_at += (case["reply_count"], case["return_count"] or 0, case["act_count"] or 0)
            led_to = (led.office_id, led.state, led.paused, led.replies, led.returns, positions[case_id])
            self.that(is_at == led_to, f"case {case_id} is {is_at}, its acts lead to {led_to}")
            # A wish that came too late leaves nothing but its refusal.
            told = Counter({it: times for it, times in said[case_id].items() if it != "withdrawal-refused"})
            self.that(told == +led.says, f"case {case_id} has said otherwise: {different(told, led.says)}")
            self.that(held_by[case_id] == led.offices, f"case {case_id}: {held_by[case_id]}, not {led.offices}")

    def held(self) -> None:
        """Custody adds up to the time between opening and end, to the microsecond, without gap or overlap."""
        segments: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for segment in self.custody:
            segments[segment["case_id"]].append(segment)
        for case_id, case in self.cases.items():
            of_case = segments[case_id]
            ends = [it["held_until"] for it in of_case]
            begins = [it["held_from"] for it in of_case]
            whole = begins == [case["opened_at"], *ends[:-1]] and ends[-1] == case["closed_at"]
            span = f"{case['opened_at']} to {case['closed_at']}"
            self.that(whole, f"case {case_id}: custody from {begins} to {ends}, the case from {span}")
            if case["closed_at"] is not None and None not in ends:
                total = sum(end - begin for begin, end in zip(begins, ends, strict=True))
                elapsed = case["closed_at"] - case["opened_at"]
                self.that(total == elapsed, f"case {case_id} was held for {total} µs of {elapsed}")
        self.counts["custody segments"] = len(self.custody)


def different(one: Counter[str], other: Counter[str]) -> str:
    """What is in one and not in the other, in short."""
    keys = sorted(key for key in one.keys() | other.keys() if one[key] != other[key])
    return str({key: (one[key], other[key]) for key in keys})[:300]


def cause_of(event: dict[str, Any]) -> str:
    """The request that caused an event of a case; empty if none did."""
    words = event["type"].removeprefix(PACKAGE).split("-")
    kind = getattr(events, "".join(word.capitalize() for word in words))
    return str(kind.FromString(bytes.fromhex(event["payload"])).case.causation_id)
