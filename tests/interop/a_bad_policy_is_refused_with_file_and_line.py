"""A sidecar does not start with a policy it cannot trust; a missing directory is not an empty one."""

import shutil

from support.starts import good
from support.starts import refused


def test(case):
    path, config, _ = good(case, "syntax")
    policy = path.parent / "policy" / "policy.cedar"
    policy.write_text('@id("fine")\nforbid(principal, action, resource);\n@id("bad")\npermit(principal, action;\n')
    refused(case, "syntax", path, "policy.cedar:4")

    path, config, _ = good(case, "type")
    policy = path.parent / "policy" / "policy.cedar"
    policy.write_text('@id("typo")\npermit(principal, action, resource)\nwhen { context.pth == "/" };\n')
    refused(case, "type", path, "policy.cedar:3", "pth")

    path, config, _ = good(case, "gone")
    shutil.rmtree(path.parent / "policy")
    refused(case, "gone", path, config["policy"]["dir"].rstrip("/"))
