"""Runs what the chart renders for an evaluation as processes of this machine: its configuration, its keys, the script that
makes the databases, and the rights on the bus. A cluster would add containers to it, and nothing else.

usage: native.py --helm HELM --liuyan PROGRAM --nats-server PROGRAM [--mode MODE] [--footprint]
Needs Postgres' programs (.ci/postgres); as root they run as another user.
"""

import argparse
import base64
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 180
IDLE_SECONDS = 30


GIVEN = set()


def free_port():
    """A port that nobody has, and none of those from which the system draws one for each connection: between here and the
    start of who is to listen there, many are made."""
    drawn = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(drawn.read_text().split()[0]) if drawn.exists() else 32768
    while True:
        port = random.randrange(1_024, first)
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN:
            GIVEN.add(port)
            return port


def lesser():
    """How a process of somebody who is not root is started."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    sys.exit("there is no user to run Postgres as")


def answers(address):
    """Whether it says that it is ready."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class Board:
    """`declared`: a job declares streams and consumers, and services may not."""

    def __init__(self, options, work, declared):
        self.options, self.work, self.declared, self.processes = options, work, declared, []
        rendered = subprocess.run(
            [options.helm, "template", "board", ROOT / "helm/liuyan", "--namespace", "liuyan", "-f",
             ROOT / "helm/liuyan/examples/evaluation.yaml", "--set", f"migrations.mode={options.mode}", "--set", f"nats.declare={str(not declared).lower()}"],
            capture_output=True, text=True, check=True).stdout
        documents = [it for it in yaml.safe_load_all(rendered) if it]
        self.objects = {(it["kind"], it["metadata"]["name"]): it for it in documents}
        self.names = sorted(it["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for it in documents if it["kind"] == "Deployment")
        self.ports = {(name, port): free_port() for name in [*self.names, "postgres", "nats"] for port in (7000, 9090, 5432, 4222, 8222, 8080)}

    def data(self, kind, name):
        data = self.objects[(kind, f"board-liuyan-{name}")]["data"]
        return {key: base64.b64decode(value).decode() if kind == "Secret" else value for key, value in data.items()}

    def here(self, text, name):
        """The same text for this machine: its folders, hosts and ports."""
        text = text.replace("/etc/liuyan", str(self.work / name)).replace("/var/lib/liuyan/objects", str(self.work / "objects"))
        for (owner, port), at in self.ports.items():
            text = text.replace(f"board-liuyan-{owner}.liuyan.svc.cluster.local:{port}", f"127.0.0.1:{at}")
        for (owner, port), at in self.ports.items():
            if owner == name:
                text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{at}")
        return text

    def write(self, folder, files):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)

    def start(self, name, command, **more):
        log = open(self.work / f"{name}.log", "w")
        process = subprocess.Popen([str(it) for it in command], stdout=log, stderr=log, **more)
        self.processes.append((name, process))
        return process

    def postgres(self):
        bin_folder = pathlib.Path(subprocess.run([ROOT / ".ci/postgres"], capture_output=True, text=True, check=True).stdout.strip())
        folder, port, user = self.work / "postgres", self.ports[("postgres", 5432)], lesser()
        folder.mkdir()
        if user:
            shutil.chown(folder, user["user"], user["group"])
        self.write(folder / "passwords", {name: self.data("Secret", name)["postgres-password"] for name in self.names if name != "portal"})
        container = self.objects[("StatefulSet", "board-liuyan-postgres")]["spec"]["template"]["spec"]["containers"][0]
        options = {it["name"]: it["value"] for it in container["env"]}["POSTGRES_INITDB_ARGS"].split()
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
        subprocess.run([bin_folder / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", *options], **quiet, **user)
        self.start("postgres", [bin_folder / "postgres", "-D", folder / "data", "-k", folder, "-p", port, *container["args"]], cwd=folder, **user)
        environment = {**os.environ, "POSTGRES_USER": "postgres", "PGHOST": str(folder), "PGPORT": str(port), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        deadline = time.monotonic() + 60
        while subprocess.run([bin_folder / "pg_isready", "-h", folder, "-p", str(port)], stdout=subprocess.DEVNULL, check=False).returncode:
            if time.monotonic() > deadline:
                sys.exit("Postgres does not answer")
            time.sleep(0.2)
        script = self.here(self.data("ConfigMap", "postgres")["10-liuyan.sh"], "postgres")
        subprocess.run(["sh", "-c", script], check=True, env=environment, stdout=subprocess.DEVNULL)
        self.psql = lambda database, question: subprocess.run(
            ["psql", "-XAtU", "postgres", "-d", database, "-c", question], env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def nats(self):
        folder = self.work / "nats"
        text = self.here(self.data("ConfigMap", "nats")["nats.conf"], "nats").replace("store_dir: /data", f"store_dir: {folder}/data")
        self.write(folder, {"nats.conf": text})
        users = [name for name in self.names if name != "portal"] + ["declarer"] * self.declared
        passwords = {f"{name.upper()}_PASSWORD": self.data("Secret", name)["nats-password"] for name in users}
        self.start("nats", [self.options.nats_server, "--config", folder / "nats.conf"], env={**os.environ, **passwords})

    def service(self, name, migrating=True):
        folder, secret = self.work / name, self.data("Secret", name)
        config = self.here(self.data("ConfigMap", name)["config.toml"], name)
        self.write(folder / "config", {"config.toml": config})
        self.write(folder / "keys", secret)
        self.write(folder / "public", self.data("ConfigMap", "public-keys"))
        self.write(folder / "secrets", {"postgres": secret.get("postgres-password", ""), "nats": secret.get("nats-password", "")})
        pod = self.objects[("Deployment", f"board-liuyan-{name}")]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        environment = {it["name"]: self.here(it["value"], name) for it in container["env"]}
        for container_before in pod.get("initContainers", []) if migrating else []:
            subprocess.run([self.options.liuyan, *container_before["args"]], check=True, env=environment)
        self.start(name, [self.options.liuyan, *container["args"]], env=environment)

    def declare(self):
        """What the Job does, and what only it may do."""
        folder = self.work / "declarer"
        self.write(folder / "config", {"config.toml": self.here(self.data("ConfigMap", "declarer")["config.toml"], "declarer")})
        self.write(folder / "secrets", {"nats": self.data("Secret", "declarer")["nats-password"]})
        job = next(it for (kind, _), it in self.objects.items() if kind == "Job")["spec"]["template"]["spec"]["containers"][0]
        environment = {it["name"]: self.here(it["value"], "declarer") for it in job["env"]}

        def run(*arguments, **more):
            made = subprocess.run([self.options.liuyan, "--output", "json", *arguments], env={**environment, **more},
                                  capture_output=True, text=True, timeout=READY_SECONDS, check=False)
            states = [json.loads(line)["state"] for line in made.stdout.splitlines()]
            return made, {it: states.count(it) for it in sorted(set(states))}

        password = self.data("Secret", "intake")["nats-password"]
        (folder / "intake").write_text(password)
        forbidden, _ = run("streams", "declare", "intake", "--wait", "1", INTAKE__NATS__USER="intake", INTAKE__NATS__PASSWORD_FILE=str(folder / "intake"))
        if forbidden.returncode != 1 or "refuses INTAKE" not in forbidden.stderr:
            sys.exit(f"the user of intake declares its stream: {forbidden.returncode} {forbidden.stdout} {forbidden.stderr}")
        steps = [
            ("check before", [*job["args"], "--check"], {}, 1, {"missing", "without a stream"}),
            ("declare", job["args"], {}, 0, {"made"}),
            ("declare again", job["args"], {}, 0, {"same"}),
            ("check", [*job["args"], "--check"], {}, 0, {"same"}),
            ("check another age", [*job["args"], "--check"], {"INTAKE__NATS__STREAM_MAX_AGE_DAYS": "3"}, 1, {"different", "same"}),
            ("declare another age", job["args"], {"INTAKE__NATS__STREAM_MAX_AGE_DAYS": "3"}, 0, {"changed", "same"}),
            ("back again", job["args"], {}, 0, {"changed", "same"}),
        ]
        for what, arguments, more, code, states in steps:
            made, counts = run(*arguments, **more)
            if made.returncode != code or counts.keys() != states:
                sys.exit(f"{what}: {made.returncode} {counts} {made.stdout[-2000:]} {made.stderr[-2000:]}")
            if what == "check another age" and "max_age is 1209600s, not 259200s" not in made.stdout:
                sys.exit(f"it is not said what differs: {made.stdout}")
            if what == "declare":
                print(f"the job declares {sum(counts.values())} streams and consumers; the user of intake may not declare its own")

    def wait(self):
        deadline = time.monotonic() + READY_SECONDS
        waiting = dict.fromkeys(self.names, "not asked yet")
        while waiting:
            for name in list(waiting):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[(name, 9090)]}/readyz", timeout=2) as answer:
                        failing = [it for it in json.load(answer)["conditions"] if not it["holds"]]
                except OSError as error:
                    failing = str(error)
                waiting[name] = failing
                if not failing:
                    del waiting[name]
            for name, process in self.processes:
                if process.poll() is not None:
                    sys.exit(f"{name} ended with {process.returncode}:\n{(self.work / f'{name}.log').read_text()[-2000:]}")
            if waiting and time.monotonic() > deadline:
                sys.exit(f"not ready: {waiting}")
            time.sleep(0.5)

    def told(self):
        """What `helm test` asks, and what must have gone over the bus."""
        self.write(self.work / "board", {"board.json": self.here(self.data("ConfigMap", "test")["board.json"], "board")})
        subprocess.run([self.options.liuyan, "--data-dir", self.work / "board", "status"], check=True, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        said = self.psql("routing", "select count(*) from offices")
        while (heard := self.psql("intake", "select count(*) from offices")) != said:
            if time.monotonic() > deadline:
                sys.exit(f"routing said {said} offices, intake heard {heard}")
            time.sleep(0.5)
        refused = [line for line in (self.work / "nats.log").read_text().splitlines() if "ermissions" in line and not (self.declared and "STREAM.CREATE.INTAKE" in line)]
        if refused:
            sys.exit("the bus refused what the services need:\n" + "\n".join(refused[:10]))
        return said

    def schemas(self):
        """A pod of stats without the right to migrate starts on a schema that a newer release made, beside the pods that
        run, and ends on one that is too old."""
        config = self.work / "stats/config"
        text = (config / "config.toml").read_text().replace("migrate = true", "migrate = false")
        for port in (7000, 9090):
            text = text.replace(f'"127.0.0.1:{self.ports[("stats", port)]}"', f'"127.0.0.1:{free_port()}"')
        (config / "second.toml").write_text(text)
        environment = {"LIUYAN_CONFIG": str(config / "second.toml"), "LIUYAN_DATA_DIR": str(self.work), "LIUYAN_LOG": "info"}
        management = tomllib.loads(text)["management"]["address"]
        self.psql("stats", "alter table submissions add column of_a_newer_release text; insert into _sqlx_migrations "
                  "(version, description, installed_on, success, checksum, execution_time) values (9999, 'newer', now(), true, '', 0)")
        second = self.start("second", [self.options.liuyan, "serve", "stats"], env=environment)
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"http://{management}/readyz"):
            if second.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"a newer schema is not borne:\n{(self.work / 'second.log').read_text()[-2000:]}")
            time.sleep(0.3)
        second.terminate()
        second.wait(60)
        self.processes = [it for it in self.processes if it[1] is not second]
        self.psql("stats", "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations where version < 9999)")
        old = subprocess.run([self.options.liuyan, "serve", "stats"], env=environment, capture_output=True, text=True, timeout=READY_SECONDS, check=False)
        if old.returncode == 0 or "lacks migration" not in old.stderr + old.stdout:
            sys.exit(f"an old schema is borne: {old.returncode} {old.stderr[-600:]}")

    def footprint(self):
        """How long a service needs from its start until it is ready, and what it then takes while nobody asks anything: memory of
        its own, and pages of the program, which processes of one machine share."""
        ready = {}
        for name in self.names:
            at = next(it for it in self.processes if it[0] == name)
            self.processes.remove(at)
            at[1].terminate()
            at[1].wait(60)
            began = time.monotonic()
            self.service(name, migrating=False)
            while not answers(f"http://127.0.0.1:{self.ports[(name, 9090)]}/readyz"):
                if time.monotonic() > began + READY_SECONDS:
                    sys.exit(f"{name} is not ready again")
                time.sleep(0.01)
            ready[name] = time.monotonic() - began
        time.sleep(IDLE_SECONDS)
        for name, process in self.processes:
            if name in ready:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                own, program = (int(status.split(f"{it}:")[1].split()[0]) / 1024 for it in ("RssAnon", "RssFile"))
                print(f"{name:<13} ready after {ready[name]:.2f} s; idle {own:5.1f} MB of its own, {program:5.1f} MB of the program")

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--helm", required=True)
    parser.add_argument("--liuyan", required=True)
    parser.add_argument("--nats-server", required=True)
    parser.add_argument("--mode", default="initContainer")
    parser.add_argument("--footprint", action="store_true", help="also tell memory while idle, and time from start to ready")
    options = parser.parse_args()
    for declared in (False, True):
        with tempfile.TemporaryDirectory() as work:
            os.chmod(work, 0o755)
            board = Board(options, pathlib.Path(work), declared)
            try:
                board.postgres()
                board.nats()
                if declared:
                    time.sleep(1)
                    board.declare()
                for name in board.names:
                    board.service(name)
                board.wait()
                by = "streams that a job declared" if declared else "the chart's configuration"
                print(f"{len(board.names)} services are ready with {by}; {board.told()} offices went over the bus")
                if options.footprint and not declared:
                    board.footprint()
                if not declared:
                    board.schemas()
                    print("a newer schema is borne, an older one is not")
            finally:
                board.stop()
    print("4 passed, 0 failed")


main()
