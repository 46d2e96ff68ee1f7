"""`examples/evaluation.yaml` on the node: its own Postgres and NATS in pods, with data that outlive them."""

import base64
import csv
import json
import re
import subprocess
import urllib.request

from board import DNS, Pods
from cluster import free_port, run, until
from node import KEEPERS, SERVICES, ready_pods, why

NAMESPACE = "trying"
IMAGES = [it for server in ("postgres", "nats") for it in (
    "--set", f"evaluation.{server}.image.registry=localhost,evaluation.{server}.image.repository={server},evaluation.{server}.image.tag=evaluation")]
ALL = sorted([*SERVICES, "nats", "postgres"])
# Fewer than the rules take for a flood of like messages, which would wait for a person.
MESSAGES = 6


def storage(cluster):
    """A class that is the cluster's default, and three volumes of the node."""
    items = [{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
              "metadata": {"name": "here", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}]
    for number in range(3):
        folder = cluster.work / f"volume-{number}"
        folder.mkdir()
        items.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"volume-{number}"}, "spec": {
            "capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "here",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node"]}]}]}}}})
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


class Evaluation(Pods):
    def helm(self, verb, *values):
        try:
            self.test.install(verb, NAMESPACE, "evaluation", *IMAGES, *DNS, "--set", "defaults.minReadySeconds=0", *values, "--wait", "--timeout", "8m")
        except RuntimeError as error:
            raise AssertionError(f"{error}\n{why(self.cluster, NAMESPACE)}") from error

    def secrets(self):
        items = self.cluster.get("secrets", "--namespace", NAMESPACE, "--selector", "app.kubernetes.io/part-of=liuyan")["items"]
        return {it["metadata"]["name"]: it["data"] for it in items}

    def secret(self, name, key):
        return base64.b64decode(self.secrets()[f"board-liuyan-{name}"][key]).decode()

    def address(self, component):
        pods = self.cluster.get("pods", "--namespace", NAMESPACE, "--selector", f"app.kubernetes.io/component={component}")["items"]
        return next(it["status"]["podIP"] for it in pods if it["metadata"]["name"] in ready_pods(self.cluster, NAMESPACE))

    def page(self, path):
        """A page through the portal's Service, by the command that NOTES prints."""
        port = free_port()
        command = [self.cluster.kubectl_program, "--kubeconfig", self.cluster.work / "admin.kubeconfig", "--namespace", NAMESPACE,
                   "port-forward", "service/board-liuyan-portal", f"{port}:80"]
        forward = subprocess.Popen([str(it) for it in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return until(f"the page {path}", lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).read().decode(), 60)
        finally:
            forward.terminate()
            forward.wait(10)

    def send(self, program):
        """Messages, as its operator sends them; the operator's key is in a Secret of the release."""
        folder = self.cluster.work / "operator"
        (folder / "keys").mkdir(parents=True)
        (folder / "keys/operator.key.pem").write_text(self.secret("operator", "auth.pem"))
        board = {"http": "http://127.0.0.1", "grpc": {it: f"{self.address(it)}:7000" for it in KEEPERS}, "management": {}, "postgres": {}, "nats": "",
                 "data_dir": str(folder), "accounts": [], "processes": {}}
        (folder / "board.json").write_text(json.dumps(board))
        with (folder / "messages.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["row_id", "message_id", "user_code", "posted_at", "title", "content"])
            rows.writerows([it, it, "one", "2026-01-05 08:00:00", f"Lamp {it} of our street is dark", "It has been dark since Monday."] for it in range(MESSAGES))
        told = run(program, "--data-dir", folder, "import", folder / "messages.csv")
        return told.stdout.strip().splitlines()

    def count(self, database, table):
        return int(self.cluster.kubectl("exec", "board-liuyan-postgres-0", "--namespace", NAMESPACE, "--", "psql", "-XAtU", "postgres", "-d", database,
                                        "-c", f"select count(*) from {table}").stdout)


def the_evaluation_runs(test, options):
    storage(test.cluster)
    test.namespace(NAMESPACE)
    it = Evaluation(test, None, NAMESPACE)
    it.helm("install")
    it.are(ALL)
    it.passes()
    title = re.search(r"<title>(.*?)</title>", it.page("/"), re.DOTALL)[1].strip()
    print(f"        {len(ALL)} pods are ready, helm test passes, and the portal's Service shows “{title}”", flush=True)
    print(f"        {'; '.join(it.send(options.liuyan)[-2:])}", flush=True)
    until("the messages are cases", lambda: it.count("routing", "cases") == MESSAGES, 180)
    before, secrets = it.ready(), it.secrets()
    it.helm("upgrade", "--set", "services.stats.config.grpc.deadline_ms=12000")
    assert it.secrets() == secrets, "secrets were made anew"
    assert it.rolled(before) == ["stats"], it.rolled(before)
    test.cluster.kubectl("delete", "pods", "--all", "--namespace", NAMESPACE, "--timeout", "180s")
    it.are(ALL)
    it.passes()
    assert (it.count("intake", "messages"), it.count("routing", "cases")) == (MESSAGES, MESSAGES)
    print("        an upgrade kept the secrets and rolled stats; all pods were deleted, came again, and had every message", flush=True)
    test.helm("uninstall", "board", "--namespace", NAMESPACE, "--wait", "--timeout", "4m")
    it.helm("install", "--take-ownership")
    it.are(ALL)
    assert it.secrets() == secrets
    assert it.count("intake", "messages") == MESSAGES
    print("        removed and installed again, it has them still", flush=True)
    test.cluster.kubectl("delete", "namespace", NAMESPACE, "--timeout", "180s")
