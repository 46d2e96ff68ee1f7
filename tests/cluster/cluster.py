"""A Kubernetes of this machine: etcd, kube-apiserver, controller-manager and scheduler on loopback, and a node if one can run."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ANSWER_SECONDS = 120


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run(*command, check=True, text=None, env=None, timeout=900):
    """Runs a command to its end; what went wrong is told with its words."""
    done = subprocess.run([str(it) for it in command], input=text, capture_output=True, text=True, timeout=timeout, check=False,
                          env={**os.environ, **(env or {})})
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[:6]))}: {done.stderr.strip()[-1500:] or done.stdout.strip()[-1500:]}")
    return done


def until(what, holds, seconds=ANSWER_SECONDS):
    """Waits until something holds, and gives it."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            last = holds()
            if last:
                return last
        except (RuntimeError, OSError, ValueError) as error:
            last = error
        time.sleep(0.5)
    raise RuntimeError(f"{what}: not within {seconds} s ({last})")


class Cluster:
    """The control plane. `kube` is the program that tests/cluster/kube builds."""

    def __init__(self, kube, kubectl, work):
        self.kube, self.kubectl_program, self.work = kube, kubectl, pathlib.Path(work)
        self.processes, self.tokens = [], {}
        self.port = free_port()

    def start_process(self, name, command, **more):
        log = open(self.work / f"{name}.log", "w")
        process = subprocess.Popen([str(it) for it in command], stdout=log, stderr=log, **more)
        self.processes.append((name, process))
        return process

    def start(self):
        etcd, peer = free_port(), free_port()
        run("openssl", "genrsa", "-out", self.work / "sa.key", "2048")
        run("openssl", "rsa", "-in", self.work / "sa.key", "-pubout", "-out", self.work / "sa.pub")
        self.tokens["admin"] = base64.urlsafe_b64encode(os.urandom(24)).decode()
        (self.work / "tokens.csv").write_text(f'{self.tokens["admin"]},admin,admin,"system:masters"\n')
        self.start_process("etcd", [
            self.kube, "etcd", "--data-dir", self.work / "etcd", "--unsafe-no-fsync", "--log-level", "warn",
            "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}"])
        self.start_process("apiserver", [
            self.kube, "apiserver", "--etcd-servers", f"http://127.0.0.1:{etcd}", "--bind-address", "127.0.0.1",
            "--secure-port", self.port, "--advertise-address", "10.247.0.1", "--cert-dir", self.work / "certificates", "--endpoint-reconciler-type", "none",
            "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", self.work / "sa.pub",
            "--service-account-signing-key-file", self.work / "sa.key", "--authorization-mode", "RBAC",
            "--token-auth-file", self.work / "tokens.csv", "--service-cluster-ip-range", "10.96.0.0/16", "--allow-privileged=true",
            "--kubelet-preferred-address-types", "InternalIP"])
        self.config("admin")
        until("the API server answers", lambda: self.kubectl("get", "--raw", "/readyz").stdout == "ok")
        admin = self.work / "admin.kubeconfig"
        self.start_process("controller-manager", [
            self.kube, "controller-manager", "--kubeconfig", admin, "--leader-elect=false", "--bind-address", "127.0.0.1",
            "--secure-port", free_port(), "--service-account-private-key-file", self.work / "sa.key",
            "--root-ca-file", self.work / "certificates/apiserver.crt", "--cert-dir", self.work / "manager"])
        self.start_process("scheduler", [
            self.kube, "scheduler", "--kubeconfig", admin, "--leader-elect=false", "--bind-address", "127.0.0.1",
            "--secure-port", free_port(), "--cert-dir", self.work / "scheduler"])
        until("service accounts are made", lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0)

    def config(self, name):
        """A kubeconfig for a token."""
        certificate = self.work / "certificates/apiserver.crt"
        until("the certificate of the API server", certificate.exists)
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(certificate)}}],
            "users": [{"name": "user", "user": {"token": self.tokens[name]}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "user"}}],
        }
        file = self.work / f"{name}.kubeconfig"
        file.write_text(json.dumps(config))
        return file

    def kubectl(self, *arguments, who="admin", **more):
        return run(self.kubectl_program, "--kubeconfig", self.work / f"{who}.kubeconfig", *arguments, **more)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def apply(self, text, *arguments):
        return self.kubectl("apply", "--server-side", "-f", "-", *arguments, text=text)

    def tails(self, *names):
        """The last words of processes."""
        return "\n".join(f"-- {name}\n{(self.work / f'{name}.log').read_text()[-1500:]}" for name in names)

    def stop(self):
        for name, process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
        # What a node mounted would keep the folder.
        mounted = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        for folder in reversed([it for it in mounted if it.startswith(f"{self.work}/")]):
            run("umount", "--lazy", folder, check=False)
