"""A node for the cluster of this machine, and the board's pods on it. Linux, root, in a network of its own (.ci/cluster sees to it).

containerd and runc run the pods, a bridge connects them, Postgres and nats-server run beside them as they would beside a real
cluster. Names are answered by a few lines here, from the addresses that the API server knows.
"""

import hashlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading
import time

from cluster import run, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BRIDGE, GATEWAY, NETWORK = "liuyan0", "10.247.0.1", "10.247.0.0/24"
PAUSE = "localhost/pause:1"
SERVICES = ["feed", "identity", "intake", "moderation", "notification", "portal", "routing", "stats"]
KEEPERS = [it for it in SERVICES if it != "portal"]
PAUSE_SOURCE = "#include <signal.h>\n#include <unistd.h>\nstatic void end(int s) { _exit(0); }\nint main(void) { signal(SIGTERM, end); for (;;) pause(); }\n"

CONTAINERD = """version = 2
root = "{work}/containerd/root"
state = "/run/liuyan-containerd"
[grpc]
  address = "{work}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{work}/cni"
"""


class Names(threading.Thread):
    """Answers for SERVICE.NAMESPACE.svc.cluster.local with the addresses of ready pods."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.known = cluster, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((GATEWAY, 53))
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        while True:
            try:
                known = {}
                for piece in self.cluster.get("endpointslices", "--all-namespaces")["items"]:
                    name = f"{piece['metadata']['labels'].get('kubernetes.io/service-name')}.{piece['metadata']['namespace']}.svc.cluster.local"
                    ready = [it["addresses"][0] for it in piece.get("endpoints") or [] if it["conditions"].get("ready")]
                    known.setdefault(name, []).extend(ready)
                self.known = known
            except (RuntimeError, OSError, ValueError):
                pass
            time.sleep(1)

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(512)
            labels, at = [], 12
            while question[at]:
                labels.append(question[at + 1:at + 1 + question[at]].decode("ascii", "replace"))
                at += 1 + question[at]
            kind = struct.unpack(">H", question[at + 1:at + 3])[0]
            addresses = self.known.get(".".join(labels).lower().rstrip("."))
            found = addresses if addresses and kind == 1 else []
            code = 0x8400 if addresses is not None else 0x8403
            answer = question[:2] + struct.pack(">HHHHH", code, 1, len(found), 0, 0) + question[12:at + 5]
            for address in found:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
            self.socket.sendto(answer, sender)


def network():
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def images(cluster, archives):
    work = cluster.work
    (work / "pause.c").write_text(PAUSE_SOURCE)
    run("gcc", "-Os", "-static", "-s", "-o", work / "pause", work / "pause.c")
    (work / "Dockerfile").write_text('FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n')
    store = ["--root", work / "store", "--runroot", work / "store-run", "--storage-driver", "vfs"]
    (work / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    run("buildah", *store, "build", "--quiet", "--isolation", "chroot", "--tag", PAUSE, "--file", work / "Dockerfile", work)
    run("buildah", *store, "push", "--quiet", "--signature-policy", work / "policy.json", PAUSE, f"oci-archive:{work}/pause.tar:{PAUSE}")
    ctr = ["ctr", "--address", work / "containerd.sock", "--namespace", "k8s.io"]
    until("containerd answers", lambda: run(*ctr, "version", check=False).returncode == 0)
    for file in (work / "pause.tar", *archives):
        run(*ctr, "images", "import", file)
    return [line.split()[0] for line in run(*ctr, "images", "list").stdout.splitlines()[1:]]


def start_node(cluster, archives, policies):
    work = cluster.work
    network()
    (work / "cni").mkdir()
    (work / "cni/10-liuyan.conflist").write_text(json.dumps({
        "cniVersion": "0.4.0", "name": "liuyan",
        "plugins": [{"type": "bridge", "bridge": BRIDGE, "isGateway": False, "ipMasq": False, "hairpinMode": True,
                     "ipam": {"type": "host-local", "ranges": [[{"subnet": NETWORK, "rangeStart": "10.247.0.10", "gateway": GATEWAY}]],
                              "routes": [{"dst": "0.0.0.0/0"}], "dataDir": str(work / "addresses")}}],
    }))
    (work / "containerd.toml").write_text(CONTAINERD.format(work=work, pause=PAUSE))
    cluster.start_process("containerd", ["containerd", "--config", work / "containerd.toml"])
    found = images(cluster, archives)
    (work / "kubelet.yaml").write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": GATEWAY, "healthzBindAddress": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}}, "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs", "failCgroupV1": False, "cgroupsPerQOS": True, "enforceNodeAllocatable": ["pods"],
        "containerRuntimeEndpoint": f"unix://{work}/containerd.sock", "failSwapOn": False,
        "clusterDNS": [GATEWAY], "clusterDomain": "cluster.local", "resolvConf": "",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "cgroupRoot": "/", "memorySwap": {}, "maxPods": 60,
    }))
    cluster.start_process("kubelet", [
        cluster.kube, "kubelet", "--config", work / "kubelet.yaml", "--kubeconfig", work / "admin.kubeconfig",
        "--root-dir", work / "kubelet", "--cert-dir", work / "kubelet-certificates", "--hostname-override", "node", "--node-ip", GATEWAY])
    try:
        until("the node is ready", lambda: any(
            it["type"] == "Ready" and it["status"] == "True"
            for it in cluster.get("node", "node")["status"]["conditions"]), 40)
    except RuntimeError as error:
        raise AssertionError(f"{error}\n{cluster.tails('kubelet', 'containerd')}") from error
    Names(cluster).start()
    if policies:
        # Packets between two pods pass the bridge; the rules are asked all the same.
        pathlib.Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")
        cluster.start_process("kube-router", [
            policies, "--kubeconfig", work / "admin.kubeconfig", "--hostname-override", "node", "--run-firewall=true", "--run-router=false",
            "--run-service-proxy=false", "--enable-cni=false", "--service-cluster-ip-range", "10.96.0.0/16", "--health-port", "0"])
    return [it for it in found if not it.startswith("sha256:")]


class Servers:
    """Postgres and nats-server beside the cluster, with the board's own script, configuration and passwords."""

    def __init__(self, cluster, folder, nats_server):
        self.cluster, self.folder, self.nats_server, self.nats = cluster, folder, nats_server, None
        self.bin = pathlib.Path(run(ROOT / ".ci/postgres").stdout.strip())
        self.home = home = cluster.work / "postgres"
        home.mkdir()
        os.chmod(cluster.work, 0o755)
        user = "postgres" if run("id", "postgres", check=False).returncode == 0 else "nobody"
        run("chown", user, home)
        lesser = ["setpriv", f"--reuid={user}", f"--regid={run('id', '-g', user).stdout.strip()}", "--clear-groups"]
        (home / "superuser").write_text("super\n")
        run("chown", user, home / "superuser")
        subprocess.run([*lesser, self.bin / "initdb", "-D", home / "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", home / "superuser",
                        "--encoding=UTF8", "--locale=C.UTF-8"], check=True, cwd=home, stdout=subprocess.DEVNULL)
        with open(home / "data/pg_hba.conf", "a") as file:
            file.write(f"host all all {NETWORK} scram-sha-256\n")
        cluster.start_process("postgres", [*lesser, self.bin / "postgres", "-D", home / "data", "-k", home, "-c", f"listen_addresses={GATEWAY}",
                                           "-c", "max_connections=300", "-c", "fsync=off"], cwd=home)
        self.environment = {"POSTGRES_USER": "postgres", "PGHOST": str(home), "PGPASSWORD": "super", "PATH": f"{self.bin}:{os.environ['PATH']}"}
        until("Postgres answers", lambda: run(self.bin / "pg_isready", "-h", home, check=False).returncode == 0)

    def psql(self, database, text, *arguments, who="postgres"):
        environment = {**self.environment}
        if who != "postgres":
            environment["PGPASSWORD"] = (self.folder / "passwords" / who.removesuffix("_owner")).read_text().strip()
        return run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", who, "-d", database, *arguments, text=text, env=environment).stdout.strip()

    def fresh(self, apart=False):
        """Empty databases and an empty bus. With `apart`, tables belong to a role of their own for each service."""
        for service in KEEPERS:
            self.psql("postgres", f'drop database if exists "{service}" with (force);\ndrop role if exists "{service}_owner";\ndrop role if exists "{service}"')
        script = (ROOT / "deploy/postgres/init.sh").read_text().replace("/etc/liuyan/passwords", str(self.folder / "passwords"))
        run("sh", "-c", script, env=self.environment)
        for service in KEEPERS if apart else []:
            self.psql(service, (ROOT / "deploy/postgres/roles.sql").read_text(), "-v", f"service={service}")
            password = (self.folder / "passwords" / service).read_text().strip()
            self.psql(service, f"alter role \"{service}_owner\" password '{password}'")
        if self.nats:
            self.nats.terminate()
            self.nats.wait(30)
        nats = self.cluster.work / "nats"
        shutil.rmtree(nats, ignore_errors=True)
        nats.mkdir()
        for file in ("compose/nats.conf", "nats/permissions.conf"):
            text = (ROOT / "deploy" / file).read_text().replace("store_dir: /data", f"store_dir: {nats}/data")
            (nats / pathlib.Path(file).name).write_text(text)
        passwords = dict(line.split("=", 1) for line in (self.folder / "nats.env").read_text().splitlines())
        self.nats = self.cluster.start_process("nats", [self.nats_server, "--config", nats / "nats.conf"], env={**os.environ, **passwords})

    def without_the_newest(self, service, who):
        """Migrates a database as an earlier release left it: all but the service's newest migration."""
        self.psql(service, """create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz
            not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null)""", who=who)
        for file in sorted((ROOT / "services" / service / "migrations").glob("*.sql"))[:-1]:
            version, described = file.stem.split("_", 1)
            row = f"{int(version)}, '{described.replace('_', ' ')}', now(), true, '\\x{hashlib.sha384(file.read_bytes()).hexdigest()}', 0"
            self.psql(service, f"{file.read_text()}\ninsert into _sqlx_migrations values ({row});\n", "--single-transaction", who=who)

    def newest(self, service):
        """The newest migration that the code has, and the newest that the database has."""
        files = sorted((ROOT / "services" / service / "migrations").glob("*.sql"))
        return int(files[-1].stem.split("_", 1)[0]), int(self.psql(service, "select max(version) from _sqlx_migrations where success"))


def secrets(cluster, folder, namespace):
    """As docs/operations/install.md says; and those of owners, with the same passwords."""
    cluster.kubectl("apply", "-f", "-", text=run(ROOT / "deploy/secrets/from-folder", folder, namespace).stdout)
    for service in KEEPERS:
        cluster.kubectl("create", "secret", "generic", f"board-{service}-postgres-owner", "--namespace", namespace, f"--from-file=password={folder}/passwords/{service}")


def ready_pods(cluster, namespace):
    # Those of the board; there may be strangers beside.
    pods = cluster.get("pods", "--namespace", namespace, "--selector", "app.kubernetes.io/instance=board")["items"]
    return {it["metadata"]["name"]: it["metadata"]["labels"]["app.kubernetes.io/component"] for it in pods
            if not it["metadata"].get("deletionTimestamp")
            and any(c["type"] == "Ready" and c["status"] == "True" for c in it["status"].get("conditions", []))}


def why(cluster, namespace):
    """What the pods say of themselves."""
    words = []
    for pod in cluster.get("pods", "--namespace", namespace)["items"]:
        states = [it.get("state") for it in pod["status"].get("initContainerStatuses", []) + pod["status"].get("containerStatuses", [])]
        words.append(f"{pod['metadata']['name']}: {pod['status']['phase']} {json.dumps(states)[:300]}")
        log = cluster.kubectl("logs", pod["metadata"]["name"], "--namespace", namespace, "--tail=5", check=False)
        words.append(log.stdout[-600:] + log.stderr[-200:])
    for event in cluster.get("events", "--namespace", namespace)["items"][-15:]:
        words.append(f"{event['reason']}: {event['message'][:300]}")
    return "\n".join(words)
