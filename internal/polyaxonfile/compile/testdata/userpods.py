"""Takes out of a custom resource, as Polyaxon's converters make it, the pods, without what Polyaxon
adds of its own: its containers, variables, mounts and volumes, labels and annotations."""

import re

MADE_UP = re.compile(r"^(polyaxon-main|[a-z-]+-[0-9a-f]{10})$")  # names that a container without one gets
OWN_INIT = re.compile(r"^polyaxon-init-(?![0-9a-f]{10}$)")
OWN_VOLUMES = {"docker", "shm", "configs-context", "artifacts-context", "store", "plx-tools-bin", "plx-tools-etc"}


def without_made_up_names(value):
    if isinstance(value, dict):
        return {k: without_made_up_names(v) for k, v in value.items() if not (k == "name" and isinstance(v, str) and MADE_UP.match(v) or k == "init" and v == [])}
    if isinstance(value, list):
        return [without_made_up_names(v) for v in value]
    return value


def user_pods(resource):
    pods = {}
    spec = resource.get("spec", resource)
    for key, value in spec.items():
        if not key.endswith("Spec") or not isinstance(value, dict):
            continue
        if "template" in value:
            pods[""] = user_pod(value["template"])
        for name, replica in value.get("replicaSpecs", {}).items():
            pods[name.lower()] = user_pod(replica["template"])
    return pods


def user_pod(template):
    spec = dict(template["spec"])
    main = spec["containers"][0]
    spec["containers"] = [user_container(main)] + [user_container(c) for c in spec["containers"][1:] if c["name"] != "polyaxon-sidecar"]
    spec["initContainers"] = [user_container(c) for c in spec.pop("initContainers", []) if not OWN_INIT.match(c["name"])]
    spec["volumes"] = [v for v in spec.pop("volumes", []) if not is_own(v["name"])]
    metadata = {}
    for key in ("labels", "annotations"):
        own = template["metadata"].get(key, {})
        metadata[key] = {k: v for k, v in own.items() if not re.match(r"(app\.kubernetes\.io|operation\.polyaxon\.com)/", k)}
    return {"metadata": metadata, "spec": spec}


def is_own(name):
    return name in OWN_VOLUMES or name.startswith("connections-context-")


def user_container(container):
    c = dict(container)
    c["env"] = [e for e in c.get("env") or [] if not str(e.get("name")).startswith("POLYAXON_")]
    c["volumeMounts"] = [m for m in c.get("volumeMounts") or [] if not is_own(m.get("name") or "")]
    return c
