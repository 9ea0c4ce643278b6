"""What is fetched: every artifact by its coordinate, pinned by its sha256."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Artifact:
    """One file of one published artifact.

    `size` (bytes) is only there to show progress; `sha256` decides whether a file is the right one.
    """

    group: str
    name: str
    version: str
    sha256: str
    size: int
    extension: str = "jar"

    @property
    def file(self) -> str:
        """The name it has in the cache, the same as its publisher gave it."""
        return f"{self.name}-{self.version}.{self.extension}"


#: Spark 4.1.1 with Iceberg on S3. None brings its dependencies: the AWS SDK in Iceberg's bundle serves all.
SPARK_JARS = (
    Artifact(
        "org.apache.iceberg",
        "iceberg-spark-runtime-4.1_2.13",
        "1.11.0",
        "d6ea6c5d099288daeb7d5a92061bd3d7d8f296492632b42378e5f2f0e3066242",
        47_959_591,
    ),
    Artifact(
        "org.apache.iceberg",
        "iceberg-aws-bundle",
        "1.11.0",
        "38f01da7e96850cdd05e6616d758b77b43314b712a8808e3f9a824d56976162f",
        63_613_165,
    ),
    Artifact(
        "org.apache.hadoop",
        "hadoop-aws",
        "3.4.2",
        "d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9",
        936_997,
    ),
    Artifact(
        "software.amazon.awssdk",
        "s3-transfer-manager",
        "2.44.4",
        "dbcad736b19f6eb8471f9edf027d9fffe994228f25f415894efd01fd80cb6c02",
        256_301,
    ),
)

#: The engine behind Athena; the last version that is published under a coordinate.
TRINO = Artifact(
    "io.trino",
    "trino-server",
    "476",
    "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f",
    821_045_832,
    extension="tar.gz",
)

#: Coursier, a client of the artifact repositories that goes on with a cut download where it stopped (Ivy starts anew).
COURSIER = Artifact(
    "io.get-coursier",
    "interface",
    "1.0.30",
    "3893934e452822502761478d9b7423a2252f02fb2342cbe9a547a126b041d7cd",
    12_402_922,
)
