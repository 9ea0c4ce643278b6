"""The template's storage, catalog, jobs and readers: above all what the emulator drops without a word."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from lake.contracts import load_contracts

from .stack import REPOSITORY, TEMPLATE, for_environment, of_type, properties, text, written

OUTPUTS = {
    "BronzeBucketName", "LakeBucketName", "BronzeDatabase", "SilverDatabase", "GoldDatabase", "AthenaWorkGroup",
    "LedgerTableName", "ArrivalsQueueUrl", "ArrivalsDlqUrl", "SilverJobName", "GoldJobName", "MaintainJobName",
    "BronzeCrawlerName",
    "AlertsTopicArn", "AnalystRoleArn",
}  # fmt: skip
HIVE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def bucket_policy(bucket: str) -> list[dict[str, Any]]:
    policies = [policy for policy in of_type("AWS::S3::BucketPolicy").values() if policy["Bucket"] == {"Ref": bucket}]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def denies_plain_http(statements: list[dict[str, Any]]) -> bool:
    return any(
        one["Effect"] == "Deny"
        and one["Principal"] == "*"
        and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for one in statements
    )


def test_the_template_stays_small_enough_to_be_read() -> None:
    # `sam deploy` sends it by way of its own bucket (resolve_s3), where the limit is 1 MB.
    assert TEMPLATE.stat().st_size <= 120_000


def test_the_outputs_are_the_ones_people_and_programs_rely_on() -> None:
    assert set(written()["Outputs"]) == OUTPUTS


def test_no_yaml_that_cloudformation_does_not_read() -> None:
    # Anchors and aliases are fine for SAM's tools, and refused by CloudFormation.
    assert not re.search(r"(^|[\s\[{:-])[&*][A-Za-z]", re.sub(r"'[^']*'|#.*", "", TEMPLATE.read_text()), re.MULTILINE)


@pytest.mark.parametrize("bucket", ["BronzeBucket", "LakeBucket", "AccessLogsBucket"])
def test_buckets_are_encrypted_private_versioned_and_tidy(bucket: str) -> None:
    wanted = properties(bucket)

    rule = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert rule["SSEAlgorithm"] in ("AES256", "aws:kms")
    assert set(wanted["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(wanted["PublicAccessBlockConfiguration"]) == 4
    assert wanted["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert wanted["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = wanted["LifecycleConfiguration"]["Rules"]
    assert all(one["Status"] == "Enabled" for one in rules if one["Id"] != "personal-data")
    assert any("AbortIncompleteMultipartUpload" in one for one in rules)
    assert any("NoncurrentVersionExpiration" in one for one in rules)
    assert denies_plain_http(bucket_policy(bucket))


def test_current_files_of_bronze_go_away_only_where_a_time_for_personal_data_is_set() -> None:
    rules = properties("BronzeBucket")["LifecycleConfiguration"]["Rules"]
    [rule] = [rule for rule in rules if {"ExpirationInDays", "ExpirationDate"} & set(rule)]

    assert rule["Status"] == {"Fn::If": ["ForgetsInTime", "Enabled", "Disabled"]}
    assert rule["ExpirationInDays"]["Fn::If"][:2] == ["ForgetsInTime", {"Ref": "PersonalDataDays"}]
    assert written()["Parameters"]["PersonalDataDays"]["Default"] == 0
    equal = {"Fn::Equals": [{"Ref": "PersonalDataDays"}, 0]}
    assert written()["Conditions"]["ForgetsInTime"] == {"Fn::Not": [equal]}


def test_bronze_tells_eventbridge() -> None:
    notifications = properties("BronzeBucket")["NotificationConfiguration"]
    assert notifications["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}


@pytest.mark.parametrize(
    "data", ["BronzeBucket", "LakeBucket", "AccessLogsBucket", "LedgerTable", "DataKey", "PseudonymKey"]
)
def test_data_outlives_the_stack_in_prod_and_a_replacement_everywhere(data: str) -> None:
    resource = written()["Resources"][data]
    assert resource["DeletionPolicy"] == {"Fn::If": ["IsProd", "Retain", "Delete"]}
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_ledger_can_be_restored_and_asked_by_state() -> None:
    table = properties("LedgerTable")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by_state"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["gsi1pk", "gsi1sk"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_databases_say_what_they_hold_and_where() -> None:
    databases = {name: item["DatabaseInput"] for name, item in of_type("AWS::Glue::Database").items()}

    names = {for_environment(one["Name"]) for one in databases.values()}

    assert names == {"jozi_dev_bronze", "jozi_dev_silver", "jozi_dev_gold"}
    assert all(len(one["Description"]) > 20 for one in databases.values())
    for layer in ("Silver", "Gold"):
        location = for_environment(databases[f"{layer}Database"]["LocationUri"])
        assert location == "s3://${LakeBucket}/warehouse/jozi_dev_" + layer.lower()


def test_the_classifier_names_the_columns_as_the_contract_does() -> None:
    contract = load_contracts()["orders"]
    by_header = {alias.strip(): field.name for field in contract.fields for alias in field.aliases}
    header = contract.layouts[0].header

    named = properties("OrdersClassifier")["CsvClassifier"]

    expected = [by_header[cell.strip()] if cell.strip() else f"column_{n}" for n, cell in enumerate(header, start=1)]
    assert named["Header"] == expected
    assert len(set(expected)) == len(expected)
    assert all(HIVE_NAME.fullmatch(name) for name in expected)
    assert (named["ContainsHeader"], named["Delimiter"], named["QuoteSymbol"]) == ("PRESENT", ",", '"')


def test_the_bronze_crawler_reads_the_folders_of_the_contracts_and_no_others() -> None:
    targets = properties("BronzeCrawler")["Targets"]
    folders = {"s3://${BronzeBucket}/" + contract.folder for contract in load_contracts().values()}
    assert set(targets) == {"S3Targets"}
    assert {text(target["Path"]) for target in targets["S3Targets"]} == folders


def test_the_bronze_crawler_makes_one_table_of_a_folder_and_forgets_none() -> None:
    crawler = properties("BronzeCrawler")
    configuration = json.loads(crawler["Configuration"])
    assert configuration["Grouping"]["TableGroupingPolicy"] == "CombineCompatibleSchemas"
    assert crawler["SchemaChangePolicy"] == {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}
    assert crawler["Classifiers"] == [{"Ref": "OrdersClassifier"}]


@pytest.mark.parametrize("layer", ["Silver", "Gold"])
def test_iceberg_crawlers_never_touch_a_table_that_is_there(layer: str) -> None:
    crawler = properties(f"{layer}Crawler")
    assert set(crawler["Targets"]) == {"IcebergTargets"}
    (target,) = crawler["Targets"]["IcebergTargets"]
    assert [for_environment(path) for path in target["Paths"]] == [
        "s3://${LakeBucket}/warehouse/jozi_dev_" + layer.lower() + "/"
    ]
    assert crawler["SchemaChangePolicy"] == {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    assert "Schedule" not in crawler


@pytest.mark.parametrize("job", ["SilverJob", "GoldJob", "MaintainJob"])
def test_jobs_run_one_at_a_time_on_glue_6_and_are_tried_again_by_the_conductor_only(job: str) -> None:
    wanted = properties(job)
    assert wanted["GlueVersion"] == "6.0"
    assert (wanted["Command"]["Name"], wanted["WorkerType"]) == ("glueetl", "G.1X")
    assert wanted["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert wanted["MaxRetries"] == 0
    # The lease of a run is 180 minutes: a run must be over before another may take it.
    assert written()["Parameters"]["JobTimeoutMinutes"]["MaxValue"] < 180


@pytest.mark.parametrize("layer", ["silver", "gold", "maintain"])
def test_jobs_get_script_and_library_of_one_release(layer: str) -> None:
    job = properties(f"{layer.title()}Job")
    prefix = "s3://${LakeBucket}/${JobAssets.Prefix}/"
    assert text(job["Command"]["ScriptLocation"]) == f"{prefix}{layer}.py"
    assert text(job["DefaultArguments"]["--extra-py-files"]) == f"{prefix}lake.zip"
    assert (REPOSITORY / "glue_jobs" / f"{layer}.py").exists()


@pytest.mark.parametrize("layer", ["silver", "gold", "maintain"])
def test_jobs_get_the_arguments_that_their_script_asks_for(layer: str) -> None:
    script = (REPOSITORY / "glue_jobs" / f"{layer}.py").read_text()
    known = "silver_database|gold_database|bronze_bucket|lake_bucket|ledger_table"
    known += "|promise_minutes|snapshot_days|personal_data_days|pseudonym_key"
    asked = set(re.findall(rf"\b({known})\b", script))
    given = {name[2:] for name in properties(f"{layer.title()}Job")["DefaultArguments"] if "_" in name}
    assert given == asked


def test_all_jobs_share_one_spark_configuration() -> None:
    jobs = ("SilverJob", "GoldJob", "MaintainJob")
    silver, gold, maintain = (properties(job)["DefaultArguments"]["--conf"] for job in jobs)
    conf = written()["Mappings"]["Spark"]["Shared"]["Conf"] + " " + text(silver).replace("${Shared} ", "")
    settings = dict(piece.strip().split("=", 1) for piece in conf.split("--conf") if piece.strip())

    assert silver == gold == maintain
    catalog = "spark.sql.catalog.glue_catalog"
    assert settings[f"{catalog}.catalog-impl"] == "org.apache.iceberg.aws.glue.GlueCatalog"
    assert settings[f"{catalog}.io-impl"] == "org.apache.iceberg.aws.s3.S3FileIO"
    assert settings[f"{catalog}.warehouse"] == "s3://${LakeBucket}/warehouse"
    assert settings[f"{catalog}.table-default.format-version"] == "2"
    assert settings["spark.sql.session.timeZone"] == "Africa/Johannesburg"
    assert settings["spark.sql.ansi.enabled"] == "true"
    assert not [name for name in settings if "endpoint" in name]


@pytest.mark.parametrize(("name", "folder"), [("WorkGroup", "athena"), ("PersonalWorkGroup", "athena-personal")])
def test_a_workgroup_enforces_place_encryption_and_a_limit(name: str, folder: str) -> None:
    group = properties(name)["WorkGroupConfiguration"]
    assert group["EnforceWorkGroupConfiguration"] is True
    assert text(group["ResultConfiguration"]["OutputLocation"]) == "s3://${LakeBucket}/" + folder + "/"
    assert group["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] in ("SSE_S3", "SSE_KMS")
    assert group["BytesScannedCutoffPerQuery"] == {"Ref": "ScanLimitBytes"}


@pytest.mark.parametrize(
    ("query", "mart"), [("WhereAndWhenLate", "delivery_performance"), ("SlowStagesAtPeak", "stage_bottlenecks")]
)
def test_saved_queries_ask_what_the_marts_say_they_answer(query: str, mart: str) -> None:
    question = yaml.safe_load((REPOSITORY / "marts" / f"{mart}.yaml").read_text())["question"]
    assert properties(query)["QueryString"] == question["sql"]
    assert properties(query)["Description"] == question["ask"]


def test_mail_is_sent_only_where_an_address_is_given() -> None:
    (subscription,) = of_type("AWS::SNS::Subscription").values()
    assert subscription["Endpoint"] == {"Ref": "AlertEmail"}
    assert written()["Resources"]["AlertsByEmail"]["Condition"] == "HasAlertEmail"
    assert written()["Parameters"]["AlertEmail"]["Default"] == ""


def test_alarms_reach_the_topic() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm")
    watched = {text(dimension["Value"]) for alarm in alarms.values() for dimension in alarm.get("Dimensions", [])}
    assert {"${ArrivalsDlq.QueueName}", "${EventsDlq.QueueName}"} <= watched
    assert all(alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}] for alarm in alarms.values())
