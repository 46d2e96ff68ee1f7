"""What goes on at the board meanwhile: people write, offices work, texts are taken back."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import liuyan_feed  # noqa: F401  It puts the generated code on the path.
from liuyan.common.v1 import common_pb2 as common
from liuyan.intake.v1 import intake_service_pb2 as intake
from liuyan.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from liuyan.moderation.v1 import moderation_service_pb2 as moderation
from liuyan.moderation.v1.moderation_service_pb2_grpc import ReviewServiceStub
from liuyan.routing.v1 import case_service_pb2 as routing
from liuyan.routing.v1.case_service_pb2_grpc import CaseServiceStub
from servers import Board

T = TypeVar("T")
# Offices of the made-up province that messages are written to.
OFFICES = ("990100-g", "990421-g")
SUBJECTS = ("bench", "bridge", "lamp", "school bus", "clinic", "market", "playground", "crossing", "drain", "library")
PLACES = ("river", "station", "north gate", "old town", "hill", "harbour", "east road", "dyke", "mill", "orchard")
WISHES = ("is broken", "was promised last year", "floods in rain", "is dark at night", "has no ramp", "is closed too early")
# Failures that pass; every call is made again with the same request id.
AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
}
# How long one call may take, and how long a case may take to become public, in seconds.
CALL, PUBLIC = 5.0, 240.0
# Channels look again for a service that was away within half a second.
OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]


class Work:
    """Messages and cases, made by a few threads until they are told to stop."""

    def __init__(self, board: Board, seed: int, writers: int = 3) -> None:
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.message_ids: list[str] = []
        self.withdrawn: set[str] = set()
        self.failures: list[str] = []
        self.board = board
        self.seed = seed
        def channel(service: str) -> grpc.Channel:
            return grpc.insecure_channel(board.at["grpc"][service], options=OPTIONS)

        self.intake = IntakeServiceStub(channel("intake"))
        self.cases = CaseServiceStub(channel("routing"))
        self.reviews = ReviewServiceStub(channel("moderation"))
        self.clerk = self.token("case:work", *OFFICES)
        self.moderator = self.token("review:work")
        self.threads = [
            threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(writers)
        ]
        self.ended = threading.Event()
        threading.Thread(target=self.moderate, daemon=True).start()

    def token(self, scope: str, *offices: str) -> list[tuple[str, str]]:
        """What a call of an official carries."""
        arguments = ["token", "--scope", scope, "--subject", f"chaos-{scope}"]
        for office in offices:
            arguments += ["--office", office]
        done = self.board.tool(*arguments)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [("authorization", f"Bearer {json.loads(done.stdout)['token']}")]

    def start(self) -> None:
        """Begins."""
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Takes no new message; what is under way is finished."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=2 * PUBLIC)
        self.ended.set()

    def moderate(self) -> None:
        """Publishes what the rules have held for a person."""
        chance = random.Random(self.seed)
        held = moderation.ListReviewsRequest(state=moderation.REVIEW_STATE_HELD, page_size=50)
        while not self.ended.wait(1):
            try:
                page = self.reviews.ListReviews(held, timeout=CALL, metadata=self.moderator)
            except grpc.RpcError:
                continue
            for review in page.reviews:
                claim = moderation.ClaimReviewRequest(message_id=review.message_id)
                claimed = self.act(chance, "claimed", self.reviews.ClaimReview, claim, self.moderator)
                if claimed is None:
                    continue
                decide = moderation.DecideReviewRequest(
                    message_id=review.message_id, etag=claimed.review.etag, publish=moderation.Publish()
                )
                self.act(chance, "published by hand", self.reviews.DecideReview, decide, self.moderator)

    def count(self, what: str) -> None:
        """Counts one."""
        with self.lock:
            self.counts[what] += 1

    def write(self, number: int) -> None:
        """One message after the other, each through a life that chance chooses."""
        chance = random.Random(self.seed * 1_000 + number)
        while not self.stopping.is_set():
            try:
                self.life(chance)
            except (grpc.RpcError, TimeoutError) as error:
                with self.lock:
                    self.failures.append(repr(error)[:400])
            time.sleep(chance.uniform(0.05, 0.4))

    def life(self, chance: random.Random) -> None:
        """One message."""
        office = chance.choice(OFFICES)
        text = [chance.choice(it) for it in (SUBJECTS, PLACES, WISHES)]
        word = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        message = intake.NewMessage(
            office_id=office,
            kind="suggestion",
            title=f"The {text[0]} at the {text[1]} {word[:5]}",
            body=f"The {text[0]} at the {text[1]} {text[2]}. We call the place {word}. Please look at it.",
        )
        request = intake.SubmitMessageRequest(request_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)))
        request.message.CopyFrom(message)
        answer = self.again(lambda: self.intake.SubmitMessage(request, timeout=CALL))
        self.count("submitted")
        with self.lock:
            self.message_ids.append(answer.receipt.message_id)
        case = self.public(answer.receipt.number)
        self.casework(chance, office, case, answer.access_code, answer.receipt.number)

    def casework(
        self, chance: random.Random, office: str, case: common.PublicCase, code: str, number: str
    ) -> None:
        """What becomes of a case."""
        fate, case_id = chance.random(), case.case_id
        if fate < 0.1:
            self.withdraw(chance, number, code)
            return
        act = self.act
        act(chance, "accepted", self.cases.AcceptCase, routing.AcceptCaseRequest(case_id=case_id))
        if fate < 0.2:
            other = next(it for it in OFFICES if it != office)
            transfer = routing.TransferCaseRequest(case_id=case_id, office_id=other, reason="It is theirs.")
            act(chance, "transferred", self.cases.TransferCase, transfer)
        if fate < 0.4:
            span = moderation.Span(field=moderation.TEXT_FIELD_BODY, start=0, end=3)
            redact = moderation.RedactMessageRequest(message_id=case.message_id, redactions=[span])
            act(chance, "redacted", self.reviews.RedactMessage, redact, self.moderator)
        if fate > 0.9:
            return
        words = [" ".join("".join(chance.choices("aeioubdklmnprst", k=6)) for _ in range(9)) for _ in range(2)]
        body = f"We have looked at {words[0]}. Within {chance.randint(2, 9)} days it will be {words[1]}."
        reply = routing.ReplyToCaseRequest(case_id=case_id, body=body)
        replied = act(chance, "replied", self.cases.ReplyToCase, reply)
        if replied is not None and fate < 0.6:
            correct = routing.CorrectReplyRequest(
                case_id=case_id, reply_id=replied.reply_id, body=f"{body} We are sorry.", reason="A slip."
            )
            act(chance, "corrected", self.cases.CorrectReply, correct)
        if fate < 0.8:
            close = routing.CloseCaseRequest(case_id=case_id, outcome=common.OUTCOME_SOLVED)
            act(chance, "closed", self.cases.CloseCase, close)

    def act(
        self,
        chance: random.Random,
        name: str,
        call: Callable[..., T],
        request: Any,
        token: list[tuple[str, str]] | None = None,
    ) -> T | None:
        """One act of an official; a refusal of the rules is counted, and is no fault."""
        request.request_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        try:
            answer = self.again(lambda: call(request, timeout=CALL, metadata=token or self.clerk))
        except grpc.RpcError as error:
            self.count(f"{name} refused")
            with self.lock:
                self.failures.append(f"{name}: {error.code().name} {error.details()}")  # type: ignore[attr-defined]
            return None
        self.count(name)
        return answer

    def withdraw(self, chance: random.Random, number: str, code: str) -> None:
        """The author takes the message back."""
        found = self.again(
            lambda: self.intake.LookUpMessage(
                intake.LookUpMessageRequest(number=number, access_code=code), timeout=CALL
            )
        )
        token = [("authorization", f"Bearer {found.author_token}")]
        request = intake.WithdrawMessageRequest(message_id=found.message.message_id)
        with self.lock:
            self.withdrawn.add(found.message.message_id)
        self.act(chance, "withdrawn", self.intake.WithdrawMessage, request, token)

    def public(self, number: str) -> common.PublicCase:
        """Waits until everybody can see the case."""
        until = time.monotonic() + PUBLIC
        while time.monotonic() < until:
            try:
                request = routing.GetCaseRequest(number=number)
                view = self.cases.GetCase(request, timeout=CALL).case.view
                self.count("public")
                return view
            except grpc.RpcError as error:
                if error.code() not in AGAIN | {grpc.StatusCode.NOT_FOUND}:  # type: ignore[attr-defined]
                    raise
            time.sleep(0.1)
        raise TimeoutError(f"message {number} did not become a public case")

    def again(self, call: Callable[[], T]) -> T:
        """Makes a call until it is answered."""
        until = time.monotonic() + PUBLIC
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() not in AGAIN or time.monotonic() > until:  # type: ignore[attr-defined]
                    raise
                self.count("calls made again")
            time.sleep(0.2)
