"""Follows the public feed of a Liuyan board, over as many connections as it takes.

One file to copy; it needs grpcio, and the code that `make-stubs` makes of the contracts.
"""

from __future__ import annotations

import queue
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

sys.path.insert(0, str(Path(__file__).parent / "generated"))

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from liuyan.feed.v1 import feed_service_pb2 as feed  # noqa: E402
from liuyan.feed.v1.feed_service_pb2_grpc import FeedServiceStub  # noqa: E402
from liuyan.identity.v1 import identity_service_pb2 as identity  # noqa: E402
from liuyan.identity.v1.identity_service_pb2_grpc import IdentityServiceStub  # noqa: E402

# After so many heartbeats without a frame a stream counts as dead.
SILENT_BEATS = 3
# Waits double from the first to the longest, in seconds.
FIRST_WAIT, LONGEST_WAIT = 0.25, 30.0
# Failures that pass by themselves; what a broken connection looks like is not told apart.
PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
}
# Where the error of each reason says to go on.
MOVED = {
    "CURSOR_EXPIRED": "earliest_cursor",
    "CURSOR_AHEAD": "latest_cursor",
    "FEED_EPOCH_CHANGED": "nearest_cursor",
}
OPTIONS = [
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


@dataclass
class Refusal:
    """What an error of the board says."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    retry_after: float = 0.0

    @classmethod
    def of(cls, error: Any) -> Refusal:
        """Reads code, reason and what belongs to it from a failed call."""
        refusal = cls(error.code(), error.details() or "")
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin":
                continue
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                    info = error_details_pb2.ErrorInfo()
                    detail.Unpack(info)
                    refusal.reason, refusal.metadata = info.reason, dict(info.metadata)
                elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
                    retry = error_details_pb2.RetryInfo()
                    detail.Unpack(retry)
                    refusal.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
        return refusal


class Refused(Exception):
    """The board says no, and would again."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason or refusal.code.name}: {refusal.message}")
        self.refusal = refusal


@dataclass(frozen=True)
class Agency:
    """Who asks. Without an agency everything public can be followed."""

    identity: str
    client_id: str
    client_secret: str


class Tokens:
    """The token of an agency, got from identity and renewed with a fifth of its life left."""

    def __init__(self, agency: Agency | None) -> None:
        self.agency = agency
        self.token = ""
        self.renew_at = 0.0

    def metadata(self) -> list[tuple[str, str]]:
        """What a call carries."""
        if self.agency is None:
            return []
        if not self.token or time.monotonic() >= self.renew_at:
            with grpc.insecure_channel(self.agency.identity) as channel:
                request = identity.IssueTokenRequest(
                    client_id=self.agency.client_id, client_secret=self.agency.client_secret
                )
                issued = IdentityServiceStub(channel).IssueToken(request, timeout=30)
            self.token = issued.access_token
            self.renew_at = time.monotonic() + issued.expires_in_seconds * 0.8
        return [("authorization", f"Bearer {self.token}")]

    def forget(self) -> bool:
        """The token is no longer good; true if there can be another one."""
        self.token = ""
        return self.agency is not None


@dataclass
class Step:
    """One frame, or something that happened on this side (`told`)."""

    cursor: str
    position: int = 0
    events: list[feed.Event] = field(default_factory=list)
    caught_up: bool = False
    told: str = ""


def follow(
    address: str,
    cursor: str = "",
    *,
    agency: Agency | None = None,
    event_filter: feed.EventFilter | None = None,
    heartbeat: float = 15.0,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Step]:
    """Gives what is recorded after `cursor` (from the oldest event if empty), for ever.

    Store the events and `step.cursor` before you take the next step: that is your place. After a restart
    begin there. What was not stored comes again; recognise it by `event.id`.
    """
    tokens, failures, wait = Tokens(agency), 0, 0.0
    while not stopped():
        time.sleep(wait)
        wait = 0.0
        try:
            for step, goodbye in _one_stream(address, cursor, tokens, event_filter, heartbeat):
                cursor = step.cursor
                if step.told != "opened":
                    failures = 0
                yield step
                if stopped():
                    return
                if goodbye is not None:
                    wait = goodbye
                    break
            else:
                raise _Broken("the stream ended without a word")
            continue
        except _Broken as broken:
            why, asked = str(broken), 0.0
        except grpc.RpcError as error:
            refusal = Refusal.of(error)
            if refusal.reason in MOVED:
                cursor = refusal.metadata[MOVED[refusal.reason]]
                yield Step(cursor, told=refusal.reason)
                continue
            unauthenticated = refusal.code == grpc.StatusCode.UNAUTHENTICATED
            if not (unauthenticated and tokens.forget()) and refusal.code not in PASSING:
                raise Refused(refusal) from error
            why, asked = f"{refusal.reason or refusal.code.name}", refusal.retry_after
        failures += 1
        own = min(FIRST_WAIT * 2 ** min(failures, 10), LONGEST_WAIT) * random.uniform(0.5, 1.0)
        wait = max(own, asked)
        yield Step(cursor, told=f"away: {why}")


class _Broken(Exception):
    """The stream is of no use any more."""


def _one_stream(
    address: str,
    cursor: str,
    tokens: Tokens,
    event_filter: feed.EventFilter | None,
    heartbeat: float,
) -> Iterator[tuple[Step, float | None]]:
    """One stream to its end; with the last step comes the pause of its goodbye."""
    request = feed.WatchEventsRequest(filter=event_filter)
    request.heartbeat_interval.FromNanoseconds(int(heartbeat * 1e9))
    if cursor:
        request.cursor = cursor
    else:
        request.earliest = True
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        call = FeedServiceStub(channel).WatchEvents(request, metadata=tokens.metadata())
        try:
            for frame in _watched(call, heartbeat * SILENT_BEATS):
                kind = frame.WhichOneof("frame")
                step = Step(frame.cursor, frame.position, list(frame.batch.events))
                step.caught_up = kind == "caught_up"
                if kind == "opened":
                    step.told = "opened"
                pause = None
                if kind == "goodbye":
                    step.told = f"goodbye: {frame.goodbye.reason}"
                    pause = frame.goodbye.reconnect_after.ToTimedelta().total_seconds()
                yield step, pause
        finally:
            call.cancel()


def _watched(call: Any, silence: float) -> Iterator[feed.WatchEventsResponse]:
    """The frames of a call; an error if none comes for too long. Few are read ahead."""
    frames: queue.Queue[Any] = queue.Queue(maxsize=2)
    ended = threading.Event()

    def put(thing: Any) -> None:
        while not ended.is_set():
            try:
                frames.put(thing, timeout=0.5)
                return
            except queue.Full:
                continue

    def read() -> None:
        try:
            for frame in call:
                put(frame)
            put(None)
        except grpc.RpcError as error:
            put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                came = frames.get(timeout=silence)
            except queue.Empty:
                raise _Broken(f"no frame for {silence:.0f} s") from None
            if came is None:
                return
            if isinstance(came, grpc.RpcError):
                raise came
            yield came
    finally:
        ended.set()
