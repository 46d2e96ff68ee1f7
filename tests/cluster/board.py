"""The board's pods on the node: each way of migrating, an upgrade and a way back, and network policies in force."""

import json
import sys
import time
import tomllib

from cluster import run, until
from node import GATEWAY, KEEPERS, ROOT, SERVICES, Servers, ready_pods, secrets, start_node, why

# Services whose first migration needs nothing of kit's, and that have more than one.
BEHIND = ["feed", "identity", "moderation", "routing", "stats"]
# Here the node answers, and no pod.
DNS = ["--set", f"networkPolicy.dnsTo[0].ipBlock.cidr={GATEWAY}/32"]
SERVERS = [
    "--set", f"postgres.host={GATEWAY},postgres.sslMode=disable,postgres.caSecret=", "--set", f"nats.url=nats://{GATEWAY}:4222,nats.caSecret=,nats.replicas=1",
    *DNS, "--set", "objects.endpoint=,objects.bucket=,objects.existingSecret=",
    "--set", "defaults.replicas=1,defaults.minReadySeconds=0,defaults.resources.requests.cpu=10m,defaults.resources.requests.memory=32Mi",
    "--set", "services.intake.resources.requests.cpu=10m,services.routing.resources.requests.cpu=10m,services.identity.resources.requests.cpu=10m",
]
CONNECT = """
import errno, json, socket, sys
told = {}
for address in sys.argv[1:]:
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        told[address] = True
    except OSError:
        told[address] = False
print(json.dumps(told))
"""


class Pods:
    """The board in one namespace."""

    def __init__(self, test, servers, namespace):
        self.test, self.cluster, self.servers, self.namespace = test, test.cluster, servers, namespace

    def helm(self, verb, *values):
        try:
            self.test.install(verb, self.namespace, "small", *SERVERS, *values, "--wait", "--timeout", "8m")
        except RuntimeError as error:
            raise AssertionError(f"{error}\n{why(self.cluster, self.namespace)}") from error

    def passes(self):
        """helm test, which asks every service how it is."""
        self.test.helm("test", "board", "--namespace", self.namespace, "--timeout", "2m")

    def ready(self):
        return ready_pods(self.cluster, self.namespace)

    def rolled(self, before):
        return sorted(component for name, component in self.ready().items() if name not in before)

    def are(self, services):
        try:
            until("all pods are ready, and no others", lambda: sorted(self.ready().values()) == services, 240)
        except RuntimeError as error:
            raise AssertionError(f"{error}: {sorted(self.ready().values())}\n{why(self.cluster, self.namespace)}") from error

    def restarts(self):
        pods = self.cluster.get("pods", "--namespace", self.namespace, "--selector", "app.kubernetes.io/instance=board")["items"]
        return sum(state["restartCount"] for it in pods for state in it["status"].get("containerStatuses", []) if it["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet")

    def leave(self):
        """Uninstalls; nothing of the release may stay but what the values named."""
        self.test.helm("uninstall", "board", "--namespace", self.namespace)
        kinds = "deployments,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,serviceaccounts,jobs,pods,httproutes,grpcroutes"

        def left():
            found = self.cluster.get(kinds, "--namespace", self.namespace, "--selector", "app.kubernetes.io/instance=board")["items"]
            return [f"{it['kind']}/{it['metadata']['name']}" for it in found]

        try:
            until("everything is gone", lambda: not left(), 90)
        except RuntimeError as error:
            raise AssertionError(f"{error}: {left()}") from error
        self.cluster.kubectl("delete", "namespace", self.namespace, "--timeout", "120s")


def begin(test, options):
    """The node, and the servers beside it."""
    for example in ("evaluation", "small", "high-availability", "cell"):
        # Nothing else may want the node.
        test.cluster.kubectl("delete", "namespace", f"of-{example}", "--wait=false", "--ignore-not-found")
    print(f"        a node with {', '.join(start_node(test.cluster, options.image, options.kube_router))}", flush=True)
    folder = test.cluster.work / "board"
    run(ROOT / "deploy/compose/prepare", folder)
    return Servers(test.cluster, folder, options.nats_server)


def migrating(test, servers, mode, meanwhile=()):
    """Pods come up on databases that are one migration behind; an upgrade brings another service, whose database is
    behind, and is rolled back onto schemas that are newer than the code; an uninstall leaves nothing."""
    apart = mode == "job"
    pods = Pods(test, servers, f"by-{mode.lower()}")
    servers.fresh(apart)
    test.namespace(pods.namespace)
    secrets(test.cluster, servers.folder, pods.namespace)
    for service in BEHIND:
        servers.without_the_newest(service, f"{service}_owner" if apart else service)
        code, there = servers.newest(service)
        assert there < code, (service, code, there)
    values = ["--set", f"migrations.mode={mode}", *(["--set-literal", "postgres.ownerUser={{ .service }}_owner"] if apart else [])]
    all_but_stats = [it for it in SERVICES if it != "stats"]
    began = time.monotonic()
    pods.helm("install", *values, "--set", "services.stats.enabled=false")
    pods.are(all_but_stats)
    behind = {it: servers.newest(it) for it in KEEPERS if it != "stats"}
    assert all(code == there for code, there in behind.values()), behind
    print(f"        {mode}: 7 pods are ready after {time.monotonic() - began:.0f} s and {pods.restarts()} restarts, their databases up to date", flush=True)
    pods.passes()
    before = pods.ready()
    pods.helm("upgrade", *values, "--set", "services.routing.config.grpc.deadline_ms=12000")
    pods.are(SERVICES)
    code, there = servers.newest("stats")
    assert code == there, (code, there)
    # Whoever says something to stats asks it what it settled, so it is a peer of theirs, enabled or not.
    assert pods.rolled(before) == ["routing", "stats"], pods.rolled(before)
    pods.passes()
    print(f"        {mode}: an upgrade migrated stats and rolled routing; helm test passes", flush=True)
    for look in meanwhile:
        look(pods)
    for service in ("routing", "intake"):
        servers.psql(service, "insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (9999, 'newer', now(), true, '', 0)")
    test.helm("rollback", "board", "1", "--namespace", pods.namespace, "--wait", "--timeout", "4m")
    pods.are(all_but_stats)
    pods.passes()
    print(f"        {mode}: rolled back, on schemas that are newer than the code; helm test passes", flush=True)
    return pods


def goes_to_nothing_and_back(pods, *values):
    """A service without a pod is no failure, and finds what was said meanwhile."""
    revision = json.loads(pods.test.helm("history", "board", "--namespace", pods.namespace, "--output", "json").stdout)[-1]["revision"]
    pods.helm("upgrade", *values, "--set", "services.routing.config.grpc.deadline_ms=12000,services.stats.replicas=0")
    pods.are([it for it in SERVICES if it != "stats"])
    pods.passes()
    pods.test.helm("rollback", "board", str(revision), "--namespace", pods.namespace, "--wait", "--timeout", "4m")
    pods.are(SERVICES)
    pods.passes()
    print("        stats went to no pod and came back; helm test passes both times", flush=True)


def a_pod_ends_in_order(pods):
    gone = next(name for name, component in pods.ready().items() if component == "intake")
    began = time.monotonic()
    pods.cluster.kubectl("delete", "pod", gone, "--namespace", pods.namespace, "--timeout", "60s")
    print(f"        a pod ended in order after {time.monotonic() - began:.0f} s", flush=True)
    until("the pod is replaced", lambda: sum(it == "intake" for it in pods.ready().values()) == 1)


def processes(cluster):
    """The process of each container that runs."""
    listed = run("ctr", "--address", cluster.work / "containerd.sock", "--namespace", "k8s.io", "tasks", "list").stdout
    return {line.split()[0]: line.split()[1] for line in listed.splitlines()[1:]}


def reaches(cluster, pod, addresses):
    """Which of the addresses answer in the pod's own network."""
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    said = run("nsenter", f"--net=/proc/{processes(cluster)[container]}/ns/net", sys.executable, "-c", CONNECT, *addresses)
    return json.loads(said.stdout)


def stranger(cluster, namespace, name="stranger"):
    """A pod that is not the board's."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {"containers": [{
        "name": "x", "image": "localhost/pause:1", "securityContext": {
            "runAsNonRoot": True, "runAsUser": 65535, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}}]}}
    cluster.apply(json.dumps(pod))
    return until("the stranger runs", lambda: next((it for it in [cluster.get("pod", name, "--namespace", namespace)] if it["status"]["phase"] == "Running"), None))


def policies_hold(pods):
    """From each pod to each: what proto/topology.toml lets through answers, and nothing else does."""
    cluster = pods.cluster
    cards = tomllib.loads((ROOT / "proto/topology.toml").read_text())
    asks = {name: {*card["calls"], *(hearer for hearer in cards if name in cards[hearer]["hears"])} for name, card in cards.items()}
    board = {it["metadata"]["labels"]["app.kubernetes.io/component"]: it for it in cluster.get("pods", "--namespace", pods.namespace)["items"]
             if it["metadata"]["name"] in pods.ready()}
    addresses = {f"{it['status']['podIP']}:{port}": (name, port) for name, it in board.items() for port in ((8080, 9090) if name == "portal" else (7000, 9090))}
    away = {f"{GATEWAY}:{port}": (name, port) for name, port in (("postgres", 5432), ("nats", 4222), ("kubelet", 10250))}
    cluster.kubectl("create", "namespace", "gateways")
    others = {"a stranger beside": stranger(cluster, pods.namespace), "a gateway": stranger(cluster, "gateways")}
    wrong = {}

    def expected(caller, target, port):
        if caller in others:
            return target == "kubelet" or port in (9090, 5432, 4222) or caller == "a gateway" and target in ("portal", "feed", "identity", "intake")
        if target in ("postgres", "nats"):
            return caller != "portal"
        return port == 7000 and target in asks[caller]

    def holds():
        wrong.clear()
        for caller, pod in {**board, **others}.items():
            for address, answers in reaches(cluster, pod, [*addresses, *away]).items():
                target, port = {**addresses, **away}[address]
                if target != caller and answers != expected(caller, target, port):
                    wrong[f"{caller} to {target}:{port}"] = "answers" if answers else "is refused"
        return not wrong

    try:
        until("policies are as the table says", holds, 60)
    except RuntimeError as error:
        raise AssertionError(f"{error}\n{wrong}") from error
    allowed = sum(expected(caller, *at) for caller in [*board, *others] for at in {**addresses, **away}.values() if at[0] != caller)
    tried = sum(at[0] != caller for caller in [*board, *others] for at in {**addresses, **away}.values())
    assert not reaches(cluster, board["stats"], [f"{board['moderation']['status']['podIP']}:7000"]).popitem()[1]
    print(f"        policies in force: {allowed} ways are open, {tried - allowed} are shut, stats to moderation among them", flush=True)
    cluster.kubectl("delete", "namespace", "gateways", "--wait=false")
