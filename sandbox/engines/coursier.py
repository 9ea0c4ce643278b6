"""A process of its own that lets Coursier fetch one artifact: `python coursier.py REQUEST`.

REQUEST is a JSON object: java, options (of java), py4j, classpath, downloads, group, name, version, extension.
One JSON object goes to standard output: {"file": path} or {"error": Coursier's words}.

Coursier runs in a JVM behind py4j. A cut download (Ctrl-C, a killed start) ends such a pair in the middle of a call,
which py4j meets with pages of tracebacks: here nobody sees them, and the part that is on the disk is what counts.
"""

import json
import sys
from typing import Any

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError


def fetch(request: dict[str, Any]) -> str:
    """Where the artifact lies, below `downloads`. Raises Py4JJavaError with Coursier's reason."""
    port, token = launch_gateway(
        jarpath=request["py4j"],
        classpath=request["classpath"],
        javaopts=request["options"],
        java_path=request["java"],
        die_on_exit=True,  # The JVM ends with this process, however this process ends.
        enable_auth=True,
    )
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token))
    jvm: Any = gateway.jvm
    api = jvm.coursierapi

    def one(kind: Any, value: Any) -> Any:
        """Java's variable arguments, of one."""
        array: Any = gateway.new_array(kind, 1)
        array[0] = value
        return array

    extension = request["extension"]
    dependency = api.Dependency.of(request["group"], request["name"], request["version"])
    dependency = dependency.withPublication(api.Publication(request["name"], extension, extension, ""))
    cache = api.Cache.create().withLocation(jvm.java.io.File(request["downloads"]))
    job = api.Fetch.create().withCache(cache).addDependencies(one(api.Dependency, dependency.withTransitive(False)))
    return str(job.addArtifactTypes(one(jvm.java.lang.String, extension)).fetch()[0].toString())


def main() -> int:
    """0 when the artifact is there."""
    try:
        print(json.dumps({"file": fetch(json.loads(sys.argv[1]))}))
    except Py4JJavaError as problem:
        print(json.dumps({"error": str(problem.java_exception.toString())}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
