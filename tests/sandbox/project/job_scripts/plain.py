"""Does what its arguments say, without Spark."""

import argparse
import os
import sys
import time

import boto3

parser = argparse.ArgumentParser()
parser.add_argument("--do", default="say")
parser.add_argument("--greeting", default="")
parser.add_argument("--from", dest="origin", default="")
parser.add_argument("--JOB_NAME")
parser.add_argument("--JOB_RUN_ID")
arguments, _ = parser.parse_known_args()

print(f"{arguments.greeting} from {arguments.origin} in {arguments.JOB_NAME} {arguments.JOB_RUN_ID}")
print("a word on stderr", file=sys.stderr)
if arguments.do == "raise":
    raise ValueError("the cheese is out")
if arguments.do == "exit":
    sys.exit("one clear sentence")
if arguments.do == "import":
    import extra_library

    print(extra_library.WHERE)
if arguments.do == "sleep":
    time.sleep(120)
if arguments.do == "whoami":
    print(boto3.client("sts").get_caller_identity()["Arn"])
if arguments.do == "forbidden":
    boto3.client("dynamodb").list_tables()
if arguments.do == "many-lines":
    for number in range(12_000):
        print(f"line {number}")
if arguments.do == "die":
    os.kill(os.getpid(), 9)
