"""helm against a real control plane: install, upgrade, roll back, uninstall; admission, budgets, rights. `.ci/cluster` calls it.

With --image, a node runs as well, and the pods of the board really start.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time
import traceback

from cluster import Cluster, run, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/liuyan"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
SERVICES = ["feed", "identity", "intake", "moderation", "notification", "portal", "routing", "stats"]


class Test:
    def __init__(self, cluster, helm, definitions):
        self.cluster, self.helm_program, self.definitions = cluster, helm, definitions

    def helm(self, *arguments, who="admin", check=True):
        return run(self.helm_program, "--kubeconfig", self.cluster.work / f"{who}.kubeconfig", *arguments, check=check)

    def install(self, verb, namespace, example, *arguments, **more):
        return self.helm(verb, "board", CHART, "--namespace", namespace, "-f", CHART / f"examples/{example}.yaml", *arguments, **more)

    def namespace(self, name):
        self.cluster.kubectl("create", "namespace", name)
        self.cluster.kubectl("label", "namespace", name, RESTRICTED)

    def refused_pods(self, namespace):
        """What the admission of pods said no to."""
        events = self.cluster.get("events", "--namespace", namespace)["items"]
        return sorted({it["message"] for it in events if it["reason"] == "FailedCreate"})

    def definitions_of_others(self):
        for file in self.definitions:
            self.cluster.kubectl("apply", "--server-side", "-f", file)

    def the_standard_is_enforced(self):
        self.namespace("strict")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
        refused = self.cluster.kubectl("apply", "--namespace", "strict", "-f", "-", text=json.dumps(pod), check=False)
        assert refused.returncode and "violates PodSecurity" in refused.stderr, refused.stderr

    def every_example_is_admitted(self):
        for example in ("evaluation", "small", "high-availability", "cell"):
            namespace = f"of-{example}"
            self.namespace(namespace)
            self.install("install", namespace, example)
            deployments = self.cluster.get("deployments", "--namespace", namespace)["items"]
            assert len(deployments) == len(SERVICES), [it["metadata"]["name"] for it in deployments]

            def made(namespace=namespace):
                pods = self.cluster.get("pods", "--namespace", namespace)["items"]
                sets = self.cluster.get("replicasets", "--namespace", namespace)["items"]
                return len(sets) == len(SERVICES) and len(pods) >= sum(it["spec"]["replicas"] for it in sets)

            try:
                until(f"the pods of {example} are made", made, 60)
            except RuntimeError as error:
                raise AssertionError(f"{error}: {self.refused_pods(namespace)}") from error
            assert not self.refused_pods(namespace), self.refused_pods(namespace)

    def budgets_and_scaling_are_accepted(self):
        budgets = self.cluster.get("poddisruptionbudgets", "--namespace", "of-high-availability")["items"]
        assert len(budgets) == len(SERVICES)
        until("the budgets are computed", lambda: all(
            it.get("status", {}).get("expectedPods", 0) >= 1
            for it in self.cluster.get("poddisruptionbudgets", "--namespace", "of-small")["items"]))
        scalers = self.cluster.get("horizontalpodautoscalers", "--namespace", "of-high-availability")["items"]
        assert len(scalers) == len(SERVICES)
        until("the scalers see their targets", lambda: all(
            any(c["type"] == "AbleToScale" and c["status"] == "True" for c in it.get("status", {}).get("conditions", []))
            for it in self.cluster.get("horizontalpodautoscalers", "--namespace", "of-high-availability")["items"]))
        jobs = [it["metadata"]["name"] for it in self.cluster.get("jobs", "--namespace", "of-high-availability")["items"]]
        assert sum("-migrate-" in job for job in jobs) == len(SERVICES) - 1, jobs
        assert sum("-declarer-" in job for job in jobs) == 1, jobs

    def secrets_survive_an_upgrade(self):
        def secrets():
            items = self.cluster.get("secrets", "--namespace", "of-evaluation", "--selector", "app.kubernetes.io/part-of=liuyan")["items"]
            return {it["metadata"]["name"]: it["data"] for it in items}

        def keys():
            return self.cluster.get("configmap", "board-liuyan-public-keys", "--namespace", "of-evaluation")["data"]

        before, public = secrets(), keys()
        assert len(before) == len(SERVICES) + 2, before.keys()
        self.install("upgrade", "of-evaluation", "evaluation", "--set", "services.intake.config.grpc.deadline_ms=12000")
        assert secrets() == before and keys() == public, "secrets were made anew"
        config = self.cluster.get("configmap", "board-liuyan-intake", "--namespace", "of-evaluation")["data"]["config.toml"]
        assert "deadline_ms = 12000" in config

    def an_upgrade_rolls_what_changed_and_a_rollback_takes_it_back(self):
        def generations():
            items = self.cluster.get("deployments", "--namespace", "of-small")["items"]
            return {it["metadata"]["name"]: it["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for it in items}

        before = generations()
        self.install("upgrade", "of-small", "small", "--set", "services.intake.config.grpc.deadline_ms=12000")
        after = generations()
        changed = [name for name in before if before[name] != after[name]]
        assert changed == ["board-liuyan-intake"], changed
        self.helm("rollback", "board", "1", "--namespace", "of-small")
        assert generations() == before
        history = json.loads(self.helm("history", "board", "--namespace", "of-small", "--output", "json").stdout)
        assert [it["revision"] for it in history] == [1, 2, 3], history

    def migrations_by_job_can_be_upgraded(self):
        """A Job's pods cannot be changed: a new image must be a new Job."""
        self.install("upgrade", "of-high-availability", "high-availability", "--set", "image.tag=0.2.0")
        jobs = self.cluster.get("jobs", "--namespace", "of-high-availability")["items"]
        images = {it["spec"]["template"]["spec"]["containers"][0]["image"].rsplit(":", 1)[1] for it in jobs}
        assert images == {"0.2.0"}, images

    def an_uninstall_leaves_secrets_and_volumes_only(self):
        self.helm("uninstall", "board", "--namespace", "of-evaluation")

        def left():
            kinds = "deployments,statefulsets,services,configmaps,networkpolicies,poddisruptionbudgets,serviceaccounts,jobs"
            items = self.cluster.get(kinds, "--namespace", "of-evaluation", "--selector", "app.kubernetes.io/instance=board")["items"]
            return not items

        until("everything is gone", left)
        secrets = self.cluster.get("secrets", "--namespace", "of-evaluation", "--selector", "app.kubernetes.io/part-of=liuyan")["items"]
        assert len(secrets) == len(SERVICES) + 2
        self.install("install", "of-evaluation", "evaluation", "--take-ownership")
        again = self.cluster.get("secrets", "--namespace", "of-evaluation", "--selector", "app.kubernetes.io/part-of=liuyan")["items"]
        assert {it["metadata"]["name"]: it["data"] for it in again} == {it["metadata"]["name"]: it["data"] for it in secrets}

    def services_may_do_nothing_in_kubernetes(self):
        for service in SERVICES:
            who = f"system:serviceaccount:of-small:board-liuyan-{service}"
            for verb, thing in (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("get", "configmaps")):
                said = self.cluster.kubectl("auth", "can-i", verb, thing, "--as", who, "--namespace", "of-small", check=False)
                assert said.stdout.strip() == "no", (who, verb, thing, said.stdout)

    def least_rights_suffice_to_install(self):
        """Whoever installs needs the rights of deploy/rbac/deployer.yaml in one namespace, and none in the cluster."""
        self.namespace("narrow")
        self.cluster.kubectl("apply", "--namespace", "narrow", "-f", ROOT / "deploy/rbac/deployer.yaml")
        self.cluster.tokens["deployer"] = self.cluster.kubectl("create", "token", "liuyan-deployer", "--namespace", "narrow").stdout.strip()
        self.cluster.config("deployer")
        for example in ("evaluation", "small"):
            self.install("install", "narrow", example, who="deployer")
            self.install("upgrade", "narrow", example, "--set", "defaults.podLabels.a=b", who="deployer")
            self.helm("uninstall", "board", "--namespace", "narrow", who="deployer")
            self.cluster.kubectl("delete", "secrets,pvc", "--all", "--namespace", "narrow", "--wait=false")
        elsewhere = self.install("install", "strict", "evaluation", who="deployer", check=False)
        assert elsewhere.returncode and "forbidden" in elsewhere.stderr, elsewhere.stderr


def steps_of_a_node(test, options):
    import board

    made = {}

    def pods_start_by(mode):
        def step():
            looks = [board.a_pod_ends_in_order, board.goes_to_nothing_and_back] if mode == "initContainer" else []
            if looks and options.kube_router:
                looks.append(board.policies_hold)
            board.migrating(test, made["servers"], mode, looks).leave()

        step.__name__ = f"pods_start_and_migrate_by_{mode}"
        return step

    def the_evaluation_runs():
        import evaluation

        evaluation.the_evaluation_runs(test, options)

    def a_node_runs():
        made["servers"] = board.begin(test, options)

    steps = [a_node_runs, *(pods_start_by(mode) for mode in options.mode or ["initContainer", "job", "hook"])]
    if any(it.endswith("postgres.tar") for it in options.image):
        steps.append(the_evaluation_runs)
    return [it for it in steps if options.only in it.__name__ or it is a_node_runs]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kube", required=True)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--helm", required=True)
    parser.add_argument("--definition", action="append", default=[])
    parser.add_argument("--image", action="append", default=[], help="an OCI archive; the first is the board's image, whose pods a node runs")
    parser.add_argument("--kube-router", help="the program; it enforces network policies")
    parser.add_argument("--liuyan", help="the program, for the servers beside the cluster")
    parser.add_argument("--nats-server")
    parser.add_argument("--only-node", action="store_true", help="leave out what needs no node")
    parser.add_argument("--mode", action="append", default=[], help="only these ways of migrating")
    parser.add_argument("--only", default="", help="only steps with this word in their names")
    options = parser.parse_args()
    failed = passed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        cluster = Cluster(options.kube, options.kubectl, work)
        test = Test(cluster, options.helm, options.definition)
        steps = [
            test.definitions_of_others, test.the_standard_is_enforced, test.every_example_is_admitted, test.budgets_and_scaling_are_accepted,
            test.secrets_survive_an_upgrade, test.an_upgrade_rolls_what_changed_and_a_rollback_takes_it_back,
            test.migrations_by_job_can_be_upgraded, test.an_uninstall_leaves_secrets_and_volumes_only,
            test.services_may_do_nothing_in_kubernetes, test.least_rights_suffice_to_install,
        ]
        try:
            began = time.monotonic()
            cluster.start()
            print(f"{cluster.kubectl('version').stdout.splitlines()[-1]} answers after {time.monotonic() - began:.0f} s", flush=True)
            if options.only_node:
                steps = [test.definitions_of_others]
            if options.image:
                steps += steps_of_a_node(test, options)
            for step in steps:
                name = step.__name__.replace("_", " ")
                began = time.monotonic()
                try:
                    step()
                    passed += 1
                    print(f"ok      {name} ({time.monotonic() - began:.0f} s)", flush=True)
                except Exception:  # Every step is told, whatever happened in it.
                    failed += 1
                    print(f"FAILED  {name}\n{traceback.format_exc(limit=3)}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(cluster.tails(*(name for name, _ in cluster.processes)))
        finally:
            cluster.stop()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
