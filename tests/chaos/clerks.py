"""Clerks who work on cases through any replica of routing, and the people who write to them."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc
from liuyan.common.v1 import common_pb2 as common
from liuyan.intake.v1 import intake_service_pb2 as intake
from liuyan.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from liuyan.moderation.v1 import moderation_service_pb2 as moderation
from liuyan.moderation.v1.moderation_service_pb2_grpc import ReviewServiceStub
from liuyan.routing.v1 import case_service_pb2 as routing
from liuyan.routing.v1 import directory_service_pb2 as directory
from liuyan.routing.v1.case_service_pb2_grpc import CaseServiceStub
from liuyan.routing.v1.directory_service_pb2_grpc import DirectoryServiceStub
from liuyan_feed import Refusal
from servers import Board, Harness
from work import AGAIN, CALL, OPTIONS

# Offices of the made-up province that messages are written to. The first has two districts' offices below
# it, so that what is given back twice comes to it.
OFFICES = ("990100-g", "990102-g", "990103-g", "990421-g")
SUPERIOR = "990000-g"
# Two clerks of one office take the same cases from each other.
CLERKS = ("990102-g", "990102-g", "990103-g", "990103-g", "990100-g", "990421-g", SUPERIOR)
DOMAINS = ("", "6", "7")
# How long one call is made again, in seconds.
PATIENCE = 120.0
# One case in so many is never answered: its deadline passes.
LEFT = 4
DAY = timedelta(days=1)


@dataclass
class Asked:
    """What a clerk or an author asked for, and what came of it."""

    case_id: str
    deed: str


@dataclass
class Books:
    """What was acknowledged and refused, by request id."""

    messages: list[str] = field(default_factory=list)
    # Messages that their authors wished to take back.
    wishes: set[str] = field(default_factory=set)
    acknowledged: dict[str, Asked] = field(default_factory=dict)
    refused: dict[str, Asked] = field(default_factory=dict)
    # Nobody knows what came of these: their caller gave up.
    unknown: dict[str, Asked] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        """Counts one."""
        with self.lock:
            self.counts[what] += 1

    def failed(self, refusal: Refusal) -> None:
        """Keeps what a caller was told."""
        with self.lock:
            self.errors[f"{refusal.code.name} {refusal.reason or '-'}: {refusal.message[:120]}"] += 1


class Office:
    """Everybody who works, until they are told to stop."""

    def __init__(self, board: Board, seed: int, clock: timedelta, writers: int = 2) -> None:
        self.board, self.seed, self.clock = board, seed, clock
        self.books = Books()
        self.stopping = threading.Event()
        self.written: deque[tuple[str, str]] = deque(maxlen=400)

        def channel(door: str) -> grpc.Channel:
            return grpc.insecure_channel(door, options=OPTIONS)

        doors = [door for name, door in board.doors.items() if name.split("-")[0] == "routing"]
        self.replicas = [CaseServiceStub(channel(door)) for door in doors]
        self.directory = DirectoryServiceStub(channel(doors[0]))
        self.intake = IntakeServiceStub(channel(board.at["grpc"]["intake"]))
        self.reviews = ReviewServiceStub(channel(board.at["grpc"]["moderation"]))
        self.importer = self.token("import", ("message:import",))
        self.moderator = self.token("moderator", ("review:work",))
        self.terms()
        self.ended = threading.Event()
        self.published = threading.Thread(target=self.moderate, daemon=True)
        self.threads = [
            threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(writers)
        ]
        for number, office in enumerate(CLERKS, start=100):
            scopes = ("case:work", "case:supervise") if office == SUPERIOR else ("case:work",)
            token = self.token(f"{office}-{number}", scopes, office)
            clerk = Clerk(self, office, token, random.Random(seed * 1_000 + number))
            self.threads.append(threading.Thread(target=clerk.work, daemon=True))

    def token(self, subject: str, scopes: tuple[str, ...], *offices: str) -> list[tuple[str, str]]:
        """What a call of an official carries."""
        arguments = ["token", "--subject", f"chaos-{subject}"]
        arguments += [it for scope in scopes for it in ("--scope", scope)]
        arguments += [it for office in offices for it in ("--office", office)]
        done = self.board.tool(*arguments)
        if done.returncode:
            raise Harness(done.stderr)
        return [("authorization", f"Bearer {json.loads(done.stdout)['token']}")]

    def now(self) -> datetime:
        """The time on the board's clock."""
        return datetime.now(timezone.utc) + self.clock

    def terms(self) -> None:
        """Lets every office have one day, so that what was written yesterday is due today."""
        editor = self.token("editor", ("directory:write",))
        for office in (*OFFICES, SUPERIOR):
            term = directory.Term(office_id=office, days=1, working_days=False)
            self.again(lambda term=term: self.directory.PutTerm(
                directory.PutTermRequest(term=term), timeout=CALL, metadata=editor))
        # The other replicas read it within `directory_seconds`.
        time.sleep(4)

    def start(self) -> None:
        """Begins."""
        for thread in (*self.threads, self.published):
            thread.start()

    def stop(self) -> None:
        """Lets everybody finish what they are at."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=2 * PATIENCE)
        if any(thread.is_alive() for thread in self.threads):
            raise Harness("somebody does not come to an end")

    def end(self) -> None:
        """Lets the moderator go, too."""
        self.ended.set()
        self.published.join(timeout=PATIENCE)

    def moderate(self) -> None:
        """Publishes what the rules have held for a person."""
        chance = random.Random(self.seed)
        held = moderation.ListReviewsRequest(state=moderation.REVIEW_STATE_HELD, page_size=50)
        while not self.ended.wait(1):
            try:
                page = self.reviews.ListReviews(held, timeout=CALL, metadata=self.moderator)
                for review in page.reviews:
                    self.publish(chance, review.message_id)
            except grpc.RpcError as error:
                self.books.failed(Refusal.of(error))

    def publish(self, chance: random.Random, message_id: str) -> None:
        """Publishes one message."""
        token = self.moderator
        claim = moderation.ClaimReviewRequest(message_id=message_id, request_id=request_id(chance))
        claimed = self.again(lambda: self.reviews.ClaimReview(claim, timeout=CALL, metadata=token))
        decide = moderation.DecideReviewRequest(
            message_id=message_id,
            etag=claimed.review.etag,
            publish=moderation.Publish(),
            request_id=request_id(chance),
        )
        self.again(lambda: self.reviews.DecideReview(decide, timeout=CALL, metadata=token))
        self.books.count("published by hand")

    def write(self, number: int) -> None:
        """One message after the other. Now and then an author takes one back, or asks on."""
        chance = random.Random(self.seed * 1_000 + number)
        while not self.stopping.is_set():
            try:
                self.message(chance)
                if chance.random() < 0.2 and self.written:
                    self.author(chance, *chance.choice(list(self.written)))
            except grpc.RpcError as error:
                self.books.failed(Refusal.of(error))
            time.sleep(chance.uniform(0.2, 0.8))

    def message(self, chance: random.Random) -> None:
        """A message that was written yesterday in another system."""
        first, second, third = ("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(3))
        message = intake.NewMessage(
            office_id=chance.choice(OFFICES),
            kind=chance.choice(("suggestion", "enquiry", "help")),
            domain=chance.choice(DOMAINS),
            title=f"The {first} near {second}",
            body=f"The {first} near {second} is broken. People call it {third}. Please look at it.",
            visibility=common.VISIBILITY_PRIVATE if chance.random() < 0.2 else common.VISIBILITY_PUBLIC,
        )
        request = intake.SubmitMessageRequest(request_id=request_id(chance), message=message)
        request.historical.occurred_at.FromDatetime(self.now() - DAY)
        answer = self.again(
            lambda: self.intake.SubmitMessage(request, timeout=CALL, metadata=self.importer)
        )
        self.books.count("submitted")
        with self.books.lock:
            self.books.messages.append(answer.receipt.message_id)
            self.written.append((answer.receipt.number, answer.access_code))

    def author(self, chance: random.Random, number: str, code: str) -> None:
        """What an author does: take back what was not answered, ask on where it was."""
        look = intake.LookUpMessageRequest(number=number, access_code=code)
        found = self.again(lambda: self.intake.LookUpMessage(look, timeout=CALL))
        token = [("authorization", f"Bearer {found.author_token}")]
        message_id = found.message.message_id
        if chance.random() < 0.3:
            withdraw = intake.WithdrawMessageRequest(message_id=message_id, request_id=request_id(chance))
            # Noted before: the answer may be lost.
            with self.books.lock:
                self.books.wishes.add(message_id)
            self.again(lambda: self.intake.WithdrawMessage(withdraw, timeout=CALL, metadata=token))
            self.books.count("wish to withdraw")
            return
        asked = routing.GetCaseRequest(message_id=message_id)
        case = self.again(lambda: self.any(chance).GetCase(asked, timeout=CALL, metadata=token)).case
        if case.view.replies:
            on = routing.AskFollowUpRequest(
                case_id=case.view.case_id, reply_id=case.view.replies[-1].reply_id, ground="unclear"
            )
            self.act(chance, "AskFollowUp", on, token)

    def any(self, chance: random.Random) -> CaseServiceStub:
        """One of the replicas."""
        return chance.choice(self.replicas)

    def act(self, chance: random.Random, deed: str, request: Any, token: list[tuple[str, str]]) -> Any:
        """Asks for something until it is answered, each time by one of the replicas; none if it is refused."""
        request.request_id = request_id(chance)
        asked = Asked(request.case_id, deed)

        def ask() -> Any:
            return getattr(self.any(chance), deed)(request, timeout=CALL, metadata=token)

        try:
            answer = self.again(ask)
        except grpc.RpcError as error:
            refusal = Refusal.of(error)
            self.books.count(f"{deed} refused")
            with self.books.lock:
                (self.books.unknown if passes(refusal) else self.books.refused)[request.request_id] = asked
            return None
        self.books.count(deed)
        with self.books.lock:
            self.books.acknowledged[request.request_id] = asked
        if chance.random() < 0.1:
            try:
                again = self.again(ask)
            except grpc.RpcError as error:
                # Who has given a case away is told as before; only what must not be known is not.
                self.breach(f"{deed} {request.request_id} again: {Refusal.of(error)}")
                return answer
            if again != answer:
                self.breach(f"{deed} {request.request_id} is answered otherwise the second time")
            self.books.count("asked again")
        return answer

    def breach(self, what: str) -> None:
        """Notes what must not be."""
        with self.books.lock:
            self.books.breaches.append(what)

    def again(self, call: Callable[[], Any]) -> Any:
        """Makes a call until it is answered."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                refusal = Refusal.of(error)
                self.books.failed(refusal)
                if not passes(refusal) or time.monotonic() > until:
                    raise
                self.books.count("calls made again")
            time.sleep(0.2)


class Clerk:
    """Somebody who works for one office."""

    def __init__(
        self, office: Office, office_id: str, token: list[tuple[str, str]], chance: random.Random
    ) -> None:
        self.office, self.office_id, self.token, self.chance = office, office_id, token, chance

    def work(self) -> None:
        """One act after the other, on whatever the office has."""
        states = (common.CASE_STATE_ASSIGNED, common.CASE_STATE_ACCEPTED, common.CASE_STATE_REPLIED)
        while not self.office.stopping.wait(self.chance.uniform(0.1, 0.6)):
            inbox = routing.ListCasesRequest(own=True, page_size=40, state=self.chance.choice(states))
            if self.office_id != SUPERIOR or self.chance.random() < 0.5:
                inbox.office_id = self.office_id
            try:
                page = self.office.again(
                    lambda: self.office.any(self.chance).ListCases(inbox, timeout=CALL, metadata=self.token)
                )
            except grpc.RpcError:
                continue
            if page.cases:
                self.deal(self.chance.choice(page.cases))

    def deal(self, case: routing.Case) -> None:
        """Does one thing with a case, seen as it was a moment ago."""
        deed, values = self.choose(case)
        if not deed:
            return
        request = getattr(routing, f"{deed}Request")(case_id=case.view.case_id, **values)
        if self.chance.random() < 0.8:
            request.etag = case.etag
        self.office.act(self.chance, deed, request, self.token)

    def choose(self, case: routing.Case) -> tuple[str, dict[str, Any]]:
        """What to do."""
        state, left = case.view.state, uuid.UUID(case.view.case_id).int % LEFT == 0
        if self.office_id == SUPERIOR and self.chance.random() < 0.3:
            if not case.HasField("supervised_at"):
                return "SuperviseCase", {"reason": "It takes long."}
        if case.referred:
            return "TransferCase", self.to("It is theirs to do.")
        if state == common.CASE_STATE_REPLIED:
            return self.after_reply(case)
        if case.question and self.chance.random() < 0.6:
            return "ResumeCase", {}
        accepted = state == common.CASE_STATE_ACCEPTED
        deeds = {"TransferCase": 15, "ReturnCase": 10, "InviteHelper": 3}
        if not accepted:
            deeds["AcceptCase"] = 50
        if not left:
            deeds |= {"ReplyToCase": 45 if accepted else 8, "ExtendDeadline": 6, "PauseCase": 12 * accepted}
        elif accepted:
            deeds[""] = 60
        deed = self.chance.choices(list(deeds), list(deeds.values()))[0]
        match deed:
            case "TransferCase" | "InviteHelper":
                return deed, self.to("It is theirs.")
            case "ReturnCase":
                values = self.to("")
                return deed, {"office_id": values["office_id"], "rule": "It is theirs by rule 12."}
            case "ReplyToCase":
                return deed, {"body": self.answer(case)}
            case "ExtendDeadline":
                return deed, {"days": self.chance.randint(1, 5), "reason": "It is a large matter."}
            case "PauseCase":
                return deed, {"question": "Where is it?"}
        return deed, {}

    def after_reply(self, case: routing.Case) -> tuple[str, dict[str, Any]]:
        """What is done with a case that was answered."""
        deeds = {"CloseCase": 60, "CorrectReply": 15, "ReopenCase": 10, "": 15}
        match self.chance.choices(list(deeds), list(deeds.values()))[0]:
            case "CloseCase":
                outcomes = (common.OUTCOME_SOLVED, common.OUTCOME_EXPLAINED)
                return "CloseCase", {"outcome": self.chance.choice(outcomes)}
            case "CorrectReply" if case.view.replies:
                reply_id = case.view.replies[-1].reply_id
                return "CorrectReply", {"reply_id": reply_id, "body": self.answer(case), "reason": "A slip."}
            case "ReopenCase":
                return "ReopenCase", {"reason": "It is not done."}
        return "", {}

    def to(self, reason: str) -> dict[str, Any]:
        """Another office."""
        others = [it for it in (*OFFICES, SUPERIOR) if it != self.office_id]
        return {"office_id": self.chance.choice(others), "reason": reason}

    def answer(self, case: routing.Case) -> str:
        """An answer like no other that speaks of what was asked."""
        words = ["".join(self.chance.choices("aeioubdklmnprst", k=6)) for _ in range(18)]
        return f"{case.view.title}: we have looked at {' '.join(words[:9])}. It will be {' '.join(words[9:])}."


def passes(refusal: Refusal) -> bool:
    """Whether the same call may be answered later. A case that has changed is to be looked at again."""
    return refusal.code in AGAIN and refusal.reason != "ETAG_MISMATCH"


def request_id(chance: random.Random) -> str:
    """A UUID that chance chooses."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
