"""Two releases side by side: an older program and a newer one serve one database and one bus, as during an upgrade.

usage: upgrade.py OLDER NEWER [--rows N] [--from CSV] [--keep FOLDER]

Messages are imported through the older one alone, then through both at once, then through the newer one alone, and at last,
as after a rollback, through the older one alone on the newer schema. Every row must be taken, no event may be put aside, both
must stay ready, and in the end nothing may be lost or doubled.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import servers

PLACES = ["学校门口", "河边步道", "老菜市场", "客运站旁", "卫生院后面", "图书馆前", "广场东侧", "村口桥头"]
THINGS = ["路灯不亮", "井盖松动", "垃圾没有清运", "公交站牌看不清", "健身器材坏了", "水管漏水", "行道树挡了信号灯", "路面有个大坑"]


def write_rows(file: Path, first: int, rows: int) -> Path:
    """Messages that nobody wrote, each a little different; the header is that of deploy/import/unlabelled.toml."""
    with file.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(["row_id", "message_id", "user_code", "posted_at", "title", "content"])
        for number in range(first, first + rows):
            place, thing = PLACES[number % len(PLACES)], THINGS[number // len(PLACES) % len(THINGS)]
            title = f"{place}{thing}"
            content = f"您好，{place}的{thing}，已经第{number % 29 + 1}天了，编号{number}的住户每天都要经过，请派人看一看。"
            table.writerow([f"r{number}", f"m{number}", f"u{number}", f"2024-03-{number % 28 + 1:02} 08:00:00", title, content])
    return file


def take_rows(file: Path, source: Path, first: int, rows: int) -> Path:
    """Rows of a file that has the header of deploy/import/unlabelled.toml; texts that are too long for the board are left out."""
    with source.open(newline="", encoding="utf-8-sig") as found, file.open("w", newline="", encoding="utf-8") as out:
        table = csv.reader(found)
        header, fitting = next(table), (row for row in table if 10 <= len(row[-1]) <= 1_000)
        taken = [header, *itertools.islice(fitting, first, first + rows)]
        if len(taken) <= rows:
            raise SystemExit(f"{source} has too few rows")
        csv.writer(out).writerows(taken)
    return file


class Release:
    """One program with a folder of its own, beside another on the same servers."""

    def __init__(self, name: str, program: str, ground: tuple[str, str], folder: Path) -> None:
        self.name, self.program, self.data, self.log = name, program, folder / name, folder / f"{name}.log"
        self.environment = {**os.environ, "LIUYAN_POSTGRES_URL": ground[0], "LIUYAN_NATS_URL": ground[1]}
        self.process: subprocess.Popen[str] | None = None

    def up(self) -> None:
        """Serves, and migrates what it finds."""
        command = [self.program, "--data-dir", str(self.data), "--output", "json", "up", "--no-samples", "--http-port", "0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True, start_new_session=True)
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            raise servers.Harness(f"the {self.name} program did not come up:\n{self.log.read_text()[-2000:]}")

    def down(self) -> None:
        """Ends in order."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=120)
        self.process = None

    def tool(self, *arguments: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command of this program."""
        return subprocess.run([self.program, "--data-dir", str(data or self.data), "--output", "json", *arguments],
                              env=self.environment, capture_output=True, text=True, timeout=600, check=False)

    def importing(self, file: Path) -> subprocess.Popen[str]:
        """Begins to send a file."""
        return subprocess.Popen([self.program, "--data-dir", str(self.data), "--output", "json", "import", str(file)],
                                env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Findings:
    """What holds and what does not, a line each."""

    def __init__(self) -> None:
        self.faults = 0

    def that(self, what: str, holds: bool, why: str = "") -> None:
        print(f"{'holds ' if holds else 'BROKEN'} {what}" + (f": {why}" if why and not holds else ""), flush=True)
        self.faults += not holds

    def taken(self, what: str, importing: subprocess.Popen[str], rows: int) -> None:
        """Every row of an import is taken."""
        told, errors = importing.communicate(timeout=600)
        accepted = json.loads(told)["accepted"] if importing.returncode == 0 else -1
        self.that(f"{what}: {rows} of {rows} messages are taken", accepted == rows, f"{accepted} {told} {errors[-600:]}")

    def at_rest(self, what: str, release: Release) -> None:
        """It is ready, and nothing was put aside."""
        until = time.monotonic() + 60
        while (made := release.tool("status")).returncode and time.monotonic() < until:
            time.sleep(1)
        rows = [json.loads(line) for line in made.stdout.splitlines()]
        self.that(f"{what}: the {release.name} program is ready", made.returncode == 0 and bool(rows), made.stderr[-600:])
        dead = {row["service"]: row["dead"] for row in rows if row["dead"]}
        self.that(f"{what}: no event is put aside", not dead, str(dead))

    def verified(self, what: str, release: Release, data: Path | None = None) -> None:
        """Nothing is lost or doubled."""
        made = release.tool("verify", "--wait", "180", data=data)
        self.that(f"{what}: `verify` of the {release.name} program, {len(made.stdout.splitlines())} promises", made.returncode == 0,
                  servers.broken(made))


def run(options: argparse.Namespace, folder: Path) -> int:
    """The whole story."""
    found, rows = Findings(), options.rows
    ground_of = servers.Board(options.newer, folder)
    ground = ground_of.ground()
    time.sleep(1)
    older, newer = Release("older", options.older, ground, folder), Release("newer", options.newer, ground, folder)
    starts = [(folder / f"{part}.csv", part * rows) for part in range(5)]
    source = options.source
    files = [take_rows(file, source, at, rows) if source else write_rows(file, at, rows) for file, at in starts]
    try:
        older.up()
        found.taken("the older alone", older.importing(files[0]), rows)
        # The same keys and passwords, and one place for objects.
        shutil.copytree(older.data, newer.data, ignore=shutil.ignore_patterns("board.json", "objects"))
        (older.data / "objects").mkdir(exist_ok=True)
        (newer.data / "objects").symlink_to(older.data / "objects")
        newer.up()
        both = [older.importing(files[1]), newer.importing(files[2])]
        found.taken("side by side, by the older", both[0], rows)
        found.taken("side by side, by the newer", both[1], rows)
        found.verified("side by side", newer)
        found.at_rest("side by side", older)
        found.at_rest("side by side", newer)
        older.down()
        found.taken("the newer alone", newer.importing(files[3]), rows)
        found.verified("the newer alone", newer)
        found.at_rest("the newer alone", newer)
        newer.down()
        older.up()
        found.taken("back, the older alone", older.importing(files[4]), rows)
        found.at_rest("back, the older alone", older)
        older.down()
        # Whatever the older one did on the newer schema, the newer one must find right.
        newer.up()
        found.verified("after all", newer)
        found.at_rest("after all", newer)
    except servers.Harness as fault:
        found.that("both can be run", False, str(fault))
    finally:
        newer.down()
        older.down()
        ground_of.stop()
    print(f"{5 * rows} messages, {found.faults} faults")
    return 1 if found.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("older", type=lambda it: str(Path(it).resolve()))
    parser.add_argument("newer", type=lambda it: str(Path(it).resolve()))
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--from", dest="source", type=Path, help="take the messages from this file")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    for program in (options.older, options.newer):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is no program")
    if options.keep:
        options.keep.mkdir(parents=True)
        return run(options, options.keep)
    with tempfile.TemporaryDirectory() as folder:
        # Postgres runs as somebody else.
        os.chmod(folder, 0o777)
        return run(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
