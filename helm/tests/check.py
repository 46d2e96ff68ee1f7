"""Checks the chart without a cluster. `.ci/helm` calls it."""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/liuyan"
GOLDEN = ROOT / "helm/tests/golden"
EXAMPLES = sorted(file.stem for file in (CHART / "examples").glob("*.yaml"))
VERSIONS = ["1.35", "1.36", "1.37"]
# Where the modules of the foreign kinds keep their definitions.
DEFINED = [
    "config/crd/standard/*_httproutes.yaml", "config/crd/standard/*_grpcroutes.yaml", "config/crd/standard/*_backendtlspolicies.yaml",
    "example/prometheus-operator-crd/*_podmonitors.yaml", "example/prometheus-operator-crd/*_prometheusrules.yaml",
    "config/crd/bases/keda.sh_scaledobjects.yaml",
]
# Variants of examples that show what none of them uses.
VARIANTS = {
    "hook": ("small", {"migrations": {"mode": "hook"}}),
    "external": ("small", {"migrations": {"mode": "external"}, "networkPolicy": {"enabled": False}}),
    "ingress": ("small", {"gateway": {"enabled": False, "grpc": {"enabled": False}},
                          "ingress": {"enabled": True, "hosts": ["b.example.org"], "grpc": {"enabled": True, "hosts": ["g.example.org"]}}}),
    "declared": ("evaluation", {"nats": {"declare": False}, "services": {"intake": {"config": {"nats": {"stream_max_bytes": 1073741824}}},
                 "stats": {"autoscaling": {"enabled": True, "keda": {"enabled": True, "prometheus": "http://prometheus:9090"}}}}}),
    "extras": ("evaluation", {
        "global": {"imageRegistry": "mirror.example.org/liuyan", "imagePullSecrets": ["pull"], "labels": {"team": "board"}, "annotations": {"a": "b"}},
        "image": {"digest": "sha256:" + "0" * 64},
        "defaults": {
            "env": {"A": "one", "B": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}},
            "extraEnv": {"A": "two {{ .service }}", "LIUYAN_LOG": "debug"},
            "extraVolumes": {"certs": {"secret": {"secretName": "certs"}}},
            "extraVolumeMounts": {"certs": {"mountPath": "/certs", "readOnly": True}},
            "podAnnotations": {"reloader.stakater.com/auto": "true"},
            "serviceAccount": {"annotations": {"who": "{{ .service }}"}},
        },
        "services": {"stats": {"enabled": False}, "intake": {"replicas": 3, "config": {"grpc": {"deadline_ms": 12000}, "nats": {"stream_max_bytes": 1073741824}}}},
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}, "data": {"one": "two"}}],
    }),
}
RIGHTS = {"between_services": "BETWEEN_SERVICES", "of_people": "OF_PEOPLE"}


class Checks:
    """Counts what holds and tells what does not."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def that(self, name, holds, why=""):
        if holds:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED {name}\n    {why}" if why else f"FAILED {name}")


class Chart:
    def __init__(self, helm, work):
        self.helm, self.work = helm, work

    def run(self, *arguments):
        return subprocess.run([self.helm, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)

    def values(self, example=None, more=None):
        files = ["-f", CHART / f"examples/{example}.yaml"] if example else []
        if more:
            name = hashlib.sha256(json.dumps(more, sort_keys=True).encode()).hexdigest()[:12]
            file = self.work / f"{name}.yaml"
            file.write_text(yaml.safe_dump(more))
            files += ["-f", file]
        return files

    def template(self, *values):
        return self.run("template", "board", CHART, "--namespace", "liuyan", *values)


def settled(text):
    """A rendering without what is made anew each time."""
    documents = []
    for document in yaml.safe_load_all(text):
        if not document:
            continue
        generated = document["kind"] == "Secret" or document["metadata"]["name"].endswith("-public-keys")
        if generated:
            document["data"] = {key: "made" for key in document["data"]}
        documents.append(document)
    return documents


def key(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def pod_of(document):
    """The specification and labels of the pods that an object makes."""
    if document["kind"] == "Pod":
        return document["spec"], document["metadata"]["labels"]
    if document["kind"] in ("Deployment", "StatefulSet", "Job"):
        template = document["spec"]["template"]
        return template["spec"], template["metadata"]["labels"]
    if document["kind"] == "CronJob":
        template = document["spec"]["jobTemplate"]["spec"]["template"]
        return template["spec"], template["metadata"]["labels"]
    return None


def check_sources(checks, helm):
    made = subprocess.run([sys.executable, ROOT / "helm/generate", "--check"], capture_output=True, text=True, check=False)
    checks.that("what is derived from proto/topology.toml is as it says", made.returncode == 0, made.stderr.strip())
    rights = yaml.safe_load((CHART / "files/rights.yaml").read_text())
    code = (ROOT / "cli/src/services.rs").read_text()
    for name, constant in RIGHTS.items():
        found = re.search(rf"const {constant}: &\[&str\] = &\[(.*?)\];", code, re.S)
        wanted = re.findall(r'"([^"]+)"', found[1]) if found else None
        checks.that(f"files/rights.yaml: {name} is as in cli/src/services.rs", rights[name] == wanted, f"{wanted}")
    at_intake = re.search(r"Portal::NAME if at == Name::Intake => \{\s*vec!\[(.*?)\]", code, re.S)
    wanted = re.findall(r'"([^"]+)"', at_intake[1]) if at_intake else None
    checks.that("files/rights.yaml: of_portal_at_intake is as in cli/src/services.rs", rights["of_portal_at_intake"] == wanted, f"{wanted}")
    alerts = {file.stem for file in (CHART / "files/alerts").glob("*.yaml")}
    runbooks = {file.stem for file in (ROOT / "docs/runbooks").glob("*.md")} - {"README"}
    checks.that("every alert has a runbook, and every runbook an alert", alerts == runbooks, f"{alerts ^ runbooks}")
    for file in sorted((CHART / "files/alerts").glob("*.yaml")):
        rule = yaml.safe_load(file.read_text())["groups"][0]["rules"][0]
        checks.that(f"{file.stem} links to its runbook", rule["annotations"]["runbook_url"].endswith(f"/{file.stem}.md"))
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    cards = yaml.safe_load((CHART / "files/topology.yaml").read_text())
    checks.that("deploy/compose.yaml runs every service", compose.keys() == cards.keys() | {"postgres", "nats"}, str(compose.keys()))
    keepers = re.search(r"for service in (.*); do", (ROOT / "deploy/postgres/init.sh").read_text())[1].split()
    checks.that("deploy/postgres/init.sh makes every database", keepers == [it for it in cards if cards[it]["serves"]], str(keepers))
    for file in sorted((CHART / "files/dashboards").glob("*.json")):
        checks.that(f"{file.name} is JSON", bool(json.loads(file.read_text())["panels"]))


def check_metrics(checks):
    """What the code measures is what the reference lists, and alerts and dashboards use nothing else of ours."""
    measured = set()
    for file in [*(ROOT / "kit/src").rglob("*.rs"), *(ROOT / "services").glob("*/src/**/*.rs")]:
        for verb, name in re.findall(r'(?:telemetry|metrics)::(count|gauge|observe)\(\s*"([a-z_]+)"', file.read_text()):
            measured.add(f"{name}_total" if verb == "count" else name)
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/operations/metrics.md").read_text(), re.M))
    checks.that("docs/operations/metrics.md lists what is measured", measured == listed and len(measured) > 8, f"{sorted(measured ^ listed)}")
    used = set()
    for file in [*(CHART / "files/alerts").glob("*.yaml"), *(CHART / "files/dashboards").glob("*.json")]:
        used |= set(re.findall(r"\b([a-z]+_[a-z_]+)(?=\\?[{\[) ]|$)", file.read_text()))
    ours = {re.sub(r"_(bucket|sum|count)$", "", it) for it in used}
    prefixes = tuple({it.split("_")[0] + "_" for it in measured})
    unknown = {it for it in ours if it.startswith(prefixes)} - measured - {"label_values", "histogram_quantile"}
    checks.that("alerts and dashboards ask for what is measured", not unknown, str(sorted(unknown)))


def check_lint(checks, chart):
    for example in EXAMPLES:
        linted = chart.run("lint", "--strict", CHART, *chart.values(example))
        checks.that(f"lint of {example}", linted.returncode == 0, linted.stdout + linted.stderr)
    linted = chart.run("lint", "--strict", CHART)
    told = "start from examples/evaluation.yaml" in linted.stdout + linted.stderr
    checks.that("lint of plain defaults says which example to start from", linted.returncode != 0 and told, linted.stdout)


def check_refusals(checks, chart):
    for case in yaml.safe_load((ROOT / "helm/tests/refused.yaml").read_text()):
        made = chart.template(*chart.values(case.get("with"), case.get("values")))
        told = made.stderr + made.stdout if made.returncode else "it was taken"
        checks.that(f"refused: {case['name']}", made.returncode != 0 and case["says"] in told, told[-600:])


def check_golden(checks, name, documents, record):
    """Compares with what was recorded; of a variant, only what its example has not."""
    text = yaml.safe_dump_all(documents, sort_keys=True, width=160, default_flow_style=None, allow_unicode=True)
    file = GOLDEN / f"{name}.yaml"
    if record:
        file.write_text(text)
        return
    known = file.read_text() if file.is_file() else ""
    difference = ""
    if known != text:
        old = {key(document): document for document in yaml.safe_load_all(known) if document}
        new = {key(document): document for document in documents}
        difference = ", ".join(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))
    checks.that(f"{name} is as recorded", known == text, f"differs: {difference}; if it should, .ci/helm --record")


def definitions(folders):
    """The schemas of kinds that are not Kubernetes' own, by version and kind."""
    schemas = {}
    for folder in map(pathlib.Path, folders):
        for file in (file for pattern in DEFINED for file in folder.glob(pattern)):
            for document in yaml.load_all(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if not document or document.get("kind") != "CustomResourceDefinition":
                    continue
                spec = document["spec"]
                for version in spec["versions"]:
                    kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    schemas[kind] = version["schema"]["openAPIV3Schema"]
    return schemas


def check_valid(checks, name, documents, schemas):
    for document in documents:
        foreign = schemas.get((document["apiVersion"], document["kind"]))
        if foreign:
            wrong = [error.message for error in jsonschema.Draft7Validator(foreign).iter_errors(document)]
            checks.that(f"{name}: {key(document)} is as its definition", not wrong, "; ".join(wrong)[:600])
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
                checks.that("", True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                checks.that(f"{name}: {key(document)} is valid for {version}", False, str(error)[:600])


def check_pod(checks, where, spec, claims):
    context = spec.get("securityContext", {})
    restricted = context.get("runAsNonRoot") is True and context.get("seccompProfile", {}).get("type") == "RuntimeDefault"
    checks.that(f"{where}: the pod is restricted", restricted and not any(spec.get(it) for it in ("hostNetwork", "hostPID", "hostIPC")))
    checks.that(f"{where}: no token of Kubernetes", spec.get("automountServiceAccountToken") is False)
    volumes = claims | {volume["name"] for volume in spec.get("volumes", [])}
    for container in spec.get("initContainers", []) + spec["containers"]:
        own = container.get("securityContext", {})
        strict = (own.get("allowPrivilegeEscalation") is False and own.get("readOnlyRootFilesystem") is True
                  and own.get("capabilities") == {"drop": ["ALL"]})
        checks.that(f"{where}/{container['name']}: restricted, and its root cannot be written", strict)
        names = [variable["name"] for variable in container.get("env", [])]
        checks.that(f"{where}/{container['name']}: no variable twice", len(names) == len(set(names)), str(names))
        mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
        checks.that(f"{where}/{container['name']}: its mounts are there", mounts <= volumes, str(mounts - volumes))
        checks.that(f"{where}/{container['name']}: its memory is limited", "memory" in container["resources"].get("limits", {}))


def check_shape(checks, name, documents):
    """What no schema says, and what must be so in every rendering."""
    topology = yaml.safe_load((CHART / "files/topology.yaml").read_text())
    keys = [key(document) for document in documents]
    checks.that(f"{name}: no object twice", len(keys) == len(set(keys)), str(sorted(it for it in keys if keys.count(it) > 1)))
    selectors = [document["spec"]["selector"]["matchLabels"] for document in documents if document["kind"] == "Deployment"]
    for document in documents:
        where = f"{name}: {key(document)}"
        found = pod_of(document)
        if found:
            claims = {it["metadata"]["name"] for it in document["spec"].get("volumeClaimTemplates", [])}
            check_pod(checks, where, found[0], claims)
            if document["kind"] in ("CronJob", "Job", "Pod"):
                caught = [it for it in selectors if it.items() <= found[1].items()]
                checks.that(f"{where}: no service takes its pods for its own", not caught, str(caught))
            if "pre-install" in document["metadata"].get("annotations", {}).get("helm.sh/hook", ""):
                checks.that(f"{where}: a hook needs no account of the release", f"ServiceAccount/{found[0]['serviceAccountName']}" not in keys)
        if document["kind"] == "Deployment":
            component = document["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
            container = document["spec"]["template"]["spec"]["containers"][0]
            checks.that(f"{where}: has its probes", all(f"{it}Probe" in container for it in ("startup", "liveness", "readiness")))
            checks.that(f"{where}: serves what it is", container["args"] == ["serve", component])
        if document["kind"] == "NetworkPolicy" and document["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] in topology:
            component = document["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
            callers = set()
            for rule in document["spec"]["ingress"]:
                if rule.get("ports") == [{"port": "grpc", "protocol": "TCP"}]:
                    callers |= {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule.get("from", []) if "podSelector" in peer}
            checks.that(f"{where}: lets in who calls, and nobody else", callers == set(topology[component]["asked_by"]), str(callers))


def check_words(checks, rendered):
    """Single facts of single renderings."""
    extras = {key(document): document for document in rendered["extras"]}
    intake = extras["Deployment/board-liuyan-intake"]["spec"]["template"]["spec"]
    env = {it["name"]: it.get("value") for it in intake["containers"][0]["env"]}
    checks.that("a later variable replaces an earlier one", env["A"] == "two intake" and env["LIUYAN_LOG"] == "debug", str(env))
    images = {c["image"] for d in rendered["extras"] if pod_of(d) for c in pod_of(d)[0]["containers"]}
    checks.that("one registry for all images", all(it.startswith("mirror.example.org/liuyan/") for it in images), str(images))
    checks.that("the digest wins", f"mirror.example.org/liuyan/liuyan-board/liuyan@sha256:{'0' * 64}" in images)
    pulls = [pod_of(d)[0].get("imagePullSecrets") for d in rendered["extras"] if pod_of(d)]
    checks.that("every pod can pull", all(it == [{"name": "pull"}] for it in pulls), str(pulls))
    config = extras["ConfigMap/board-liuyan-intake"]["data"]["config.toml"]
    checks.that("numbers stay whole", "stream_max_bytes = 1073741824" in config and "deadline_ms = 12000" in config, config)
    checks.that("a service that is off is not there", not any("stats" in it for it in extras if it.startswith("Deployment")))
    scaled = [d for d in rendered["high-availability"] if d["kind"] == "Deployment"]
    checks.that("what is scaled has no number of its own", not any("replicas" in d["spec"] for d in scaled))
    kinds = [d["kind"] for d in rendered["cell"]]
    checks.that("KEDA stands in place of an HPA", kinds.count("ScaledObject") == 1 and "HorizontalPodAutoscaler" not in kinds)
    bus = next(d for d in rendered["declared"] if key(d) == "ConfigMap/board-liuyan-nats")["data"]["nats.conf"]
    services, declarer = bus.split("user: declarer")
    may = [it for it in ("STREAM.CREATE", "STREAM.UPDATE", "CONSUMER.CREATE") if it in services]
    checks.that("where a job declares, no service may", not may and "STREAM.UPDATE" in declarer, str(may))
    checks.that("where services declare, there is no declarer", not any("declarer" in json.dumps(d) for d in rendered["evaluation"]))
    job = next(d for d in rendered["declared"] if d["kind"] == "Job")["spec"]["template"]["spec"]["containers"][0]
    sizes = [it["value"] for it in job["env"] if it["name"] == "INTAKE__NATS__STREAM_MAX_BYTES"]
    checks.that("the job declares streams as the services know them", sizes == ["1073741824"] and "portal" not in job["args"], str(job))
    owners = [d for d in rendered["high-availability"] if d["kind"] == "Deployment" and "postgres-owner" in json.dumps(d)]
    checks.that("no service sees the owner's password", not owners, str([key(d) for d in owners]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--helm", required=True)
    parser.add_argument("--definitions", action="append", default=[])
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    checks = Checks()
    schemas = definitions(options.definitions)
    wanted = {("gateway.networking.k8s.io/v1", "GRPCRoute"), ("monitoring.coreos.com/v1", "PodMonitor"), ("keda.sh/v1alpha1", "ScaledObject")}
    checks.that("the definitions of foreign kinds are found", not options.definitions or wanted <= schemas.keys(), str(wanted - schemas.keys()))
    with tempfile.TemporaryDirectory() as work:
        chart = Chart(options.helm, pathlib.Path(work))
        check_sources(checks, chart)
        check_metrics(checks)
        check_lint(checks, chart)
        check_refusals(checks, chart)
        rendered = {}
        for name, (example, more) in {**{it: (it, None) for it in EXAMPLES}, **VARIANTS}.items():
            made = chart.template(*chart.values(example, more))
            checks.that(f"{name} renders", made.returncode == 0, made.stderr[-800:])
            if made.returncode:
                continue
            documents = rendered[name] = settled(made.stdout)
            usual = rendered[example] if more else []
            check_golden(checks, name, [it for it in documents if it not in usual], options.record)
            check_valid(checks, name, documents, schemas)
            check_shape(checks, name, documents)
        if rendered.keys() >= {"declared", "extras", "high-availability", "cell"}:
            check_words(checks, rendered)
        packaged = chart.run("package", CHART, "--destination", work)
        checks.that("the chart can be packed", packaged.returncode == 0, packaged.stderr)
    print(f"{checks.passed} passed, {len(checks.failed)} failed")
    sys.exit(1 if checks.failed else 0)


main()
