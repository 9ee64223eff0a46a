"""What `deploy/image/prebuilt` gathers with `nft`, as the root of a container that has the one right that the injector gives it:
the rules of a pod with `portreeve.dev/transparent: enabled` are loaded. Without that right, or without `nft`, they are not."""

import shutil

import yaml

from support.kubernetes import DEPLOY
from support.kubernetes import ROOT
from support.kubernetes import run
from support.network import Machine


def test(case):
    pod = yaml.safe_load((DEPLOY / "injected" / "transparent.yaml").read_text())
    [container] = [one for one in pod["spec"]["initContainers"] if one["name"] == "portreeve-init-net"]
    capabilities = container["securityContext"]["capabilities"]
    assert capabilities == {"add": ["NET_ADMIN"], "drop": ["ALL"]}, capabilities
    image = case.directory / "image"
    nft = shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin")
    run([ROOT / "deploy" / "image" / "prebuilt", case.binary, image, nft])
    root = image / "rootfs"
    [mount] = container["volumeMounts"]
    config = root / mount["mountPath"].lstrip("/")
    # Every container has one.
    (root / "dev").mkdir()
    (root / "dev" / "null").touch()
    config.write_text(pod["metadata"]["annotations"]["portreeve.dev/sidecar-config"])

    machine = Machine(case)
    command = [*container["command"], *container["args"]]
    refused = start(machine, root, [], command)
    assert refused.returncode == 1 and "not permitted" in refused.stderr, refused
    assert "portreeve" not in machine.run("nft", "list", "tables")
    done = start(machine, root, ["net_admin"], command)
    assert done.returncode == 0, done
    rules = machine.run("nft", "list", "table", "inet", "portreeve")
    for rule in ["skuid 1337", "redirect to :15101", "redirect to :15006"]:
        assert rule in rules, rules
    (root / "usr" / "bin" / "nft").unlink()
    without = start(machine, root, ["net_admin"], command)
    assert without.returncode == 1 and "there is no `nft` here" in without.stderr, without


def start(machine, root, rights, command):
    """A command in `root`, as a user 0 that has nothing but these rights, and gets no others."""
    # To get there takes a right of its own, which is of no use to it there.
    kept = ",".join(["-all", "+sys_chroot", *(f"+{right}" for right in rights)])
    setpriv = ["setpriv", f"--bounding-set={kept}", "--no-new-privs"]
    return machine.attempt(*setpriv, "chroot", root, *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
