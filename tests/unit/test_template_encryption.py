"""What rests is encrypted with one key of our own, and only who needs the key may use it.

The emulator encrypts nothing and asks no key policy, so all of this is proven on the template.
"""

from __future__ import annotations

import re

import pytest

from lake.contracts import load_contracts

from .stack import expanded, grants, listed, of_type, properties, text, written

KEY_ARN = {"Fn::GetAtt": ["DataKey", "Arn"]}
KEY = {"Ref": "DataKey"}
USE = {"kms:Decrypt", "kms:GenerateDataKey"}


def key_policy(key: str = "DataKey") -> dict[str, dict]:
    return {one["Sid"]: one for one in properties(key)["KeyPolicy"]["Statement"]}


def key_grants(role: str) -> set[str]:
    given = (grant for grant in grants(role) if grant["Resource"] == KEY_ARN)
    return {action for grant in given for action in listed(grant["Action"]) if action.startswith("kms:")}


def test_one_key_that_is_renewed_every_year() -> None:
    assert set(of_type("AWS::KMS::Key")) == {"DataKey", "PseudonymKey"}
    key = properties("DataKey")
    assert key["EnableKeyRotation"] is True
    assert key["PendingWindowInDays"] == 30  # a deletion by mistake can be taken back for a month


@pytest.mark.parametrize("bucket", ["BronzeBucket", "LakeBucket"])
def test_buckets_encrypt_with_the_key(bucket: str) -> None:
    (rule,) = properties(bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN}
    assert rule["BucketKeyEnabled"] is True


def test_queues_topic_ledger_and_logs_encrypt_with_the_key() -> None:
    assert all(queue["KmsMasterKeyId"] == KEY for queue in of_type("AWS::SQS::Queue").values())
    assert all(topic["KmsMasterKeyId"] == KEY for topic in of_type("AWS::SNS::Topic").values())
    assert all(group["KmsKeyId"] == KEY_ARN for group in of_type("AWS::Logs::LogGroup").values())
    assert properties("LedgerTable")["SSESpecification"] == {
        "SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY_ARN,
    }  # fmt: skip


def test_query_results_encrypt_with_the_key() -> None:
    for group in of_type("AWS::Athena::WorkGroup").values():
        results = group["WorkGroupConfiguration"]["ResultConfiguration"]
        assert results["EncryptionConfiguration"] == {"EncryptionOption": "SSE_KMS", "KmsKey": KEY_ARN}


def test_jobs_and_crawlers_write_and_log_with_the_key() -> None:
    encryption = properties("GlueSecurity")["EncryptionConfiguration"]
    assert encryption["S3Encryptions"] == [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": KEY_ARN}]
    assert encryption["CloudWatchEncryption"] == {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": KEY_ARN}
    assert encryption["JobBookmarksEncryption"]["JobBookmarksEncryptionMode"] == "CSE-KMS"
    for job in of_type("AWS::Glue::Job").values():
        assert job["SecurityConfiguration"] == {"Ref": "GlueSecurity"}
    for crawler in of_type("AWS::Glue::Crawler").values():
        assert crawler["CrawlerSecurityConfiguration"] == {"Ref": "GlueSecurity"}


def test_the_key_lets_nobody_use_it_but_through_the_services_that_hold_our_data() -> None:
    for sid, statement in key_policy().items():
        assert statement["Principal"] != "*"
        assert not any("*" in action for action in listed(statement["Action"])), sid
        if "AWS" in statement["Principal"] and sid != "AdministratorsOfThisAccount":
            services = {text(one) for one in listed(statement["Condition"]["StringEquals"]["kms:ViaService"])}
            assert services <= {f"{one}.${{AWS::Region}}.amazonaws.com" for one in ("s3", "sqs", "sns", "dynamodb")}


def test_pseudonyms_have_a_key_that_makes_hashes_and_nothing_else() -> None:
    key = properties("PseudonymKey")

    assert (key["KeySpec"], key["KeyUsage"], key["PendingWindowInDays"]) == ("HMAC_256", "GENERATE_VERIFY_MAC", 30)


def test_only_the_silver_job_and_the_eraser_ask_the_key_of_pseudonyms() -> None:
    pseudonym_key = {"Fn::GetAtt": ["PseudonymKey", "Arn"]}
    granted = {
        (role, action)
        for role in of_type("AWS::IAM::Role")
        for grant in grants(role)
        if pseudonym_key in listed(grant["Resource"]) or any("Mac" in one for one in listed(grant["Action"]))
        for action in listed(grant["Action"])
    }
    assert granted == {("SilverJobRole", "kms:GenerateMac"), ("EraserRole", "kms:GenerateMac")}
    using = {sid: one for sid, one in key_policy("PseudonymKey").items() if sid != "AdministratorsOfThisAccount"}
    (statement,) = using.values()
    assert statement["Action"] == "kms:GenerateMac"
    roles = [text(one) for one in statement["Condition"]["ArnLike"]["aws:PrincipalArn"]]
    stack = "arn:aws:iam::${AWS::AccountId}:role/${AWS::StackName}"
    assert roles == [f"{stack}-SilverJobRole-*", f"{stack}-EraserRole-*"]


@pytest.mark.parametrize("key", ["DataKey", "PseudonymKey"])
def test_administrators_manage_the_key_and_cannot_read_with_it(key: str) -> None:
    actions = set(key_policy(key)["AdministratorsOfThisAccount"]["Action"])
    assert not [one for one in actions if re.search("Decrypt|Encrypt|GenerateDataKey|ReEncrypt|CreateGrant|Mac", one)]
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= actions  # else nobody could ever mend it


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("events.amazonaws.com", "rules put events into encrypted queues"),
        ("cloudwatch.amazonaws.com", "alarms publish to the encrypted topic"),
        ("sns.amazonaws.com", "mail that reached nobody is kept in an encrypted queue"),
        ("logs.${AWS::Region}.amazonaws.com", "log groups encrypt with it"),
    ],
)
def test_services_that_act_for_no_role_may_use_the_key(service: str, why: str) -> None:
    allowed = {
        action
        for statement in key_policy().values()
        if service in [text(one) for one in listed(statement["Principal"].get("Service", []))]
        for action in statement["Action"]
    }
    assert allowed >= USE, why


def test_logs_use_the_key_for_groups_of_this_stack_and_of_glue_only() -> None:
    patterns = key_policy()["Logs"]["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    wanted = [text(one).partition("log-group:")[2] for one in patterns]
    assert wanted == ["/aws/lambda/jozi-${Environment}-*", "/aws-glue/*"]


def test_a_role_may_use_the_key_as_far_as_it_reads_and_writes() -> None:
    for role in of_type("AWS::IAM::Role"):
        does = {action for grant in grants(role) for action in listed(grant["Action"])}
        reads = does & {"s3:GetObject", "s3:GetObjectVersion", "sqs:ReceiveMessage", "dynamodb:GetItem"}
        writes = does & {"s3:PutObject", "sqs:SendMessage", "sns:Publish"}
        # SQS, SNS and multipart uploads decrypt the data key they wrote with, so a writer reads too.
        wanted = USE if writes else {"kms:Decrypt"} if reads else set()
        assert key_grants(role) == wanted, role
        for grant in grants(role):
            if key_grants(role) & set(listed(grant["Action"])):
                assert grant["Resource"] == KEY_ARN


def test_access_to_the_data_is_logged_where_s3_can_log() -> None:
    for bucket in ("BronzeBucket", "LakeBucket"):
        assert properties(bucket)["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "AccessLogsBucket"}
    (rule,) = properties("AccessLogsBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}
    }  # S3 delivers no logs under another key
    policy = properties("AccessLogsBucketPolicy")["PolicyDocument"]["Statement"]
    (delivery,) = [one for one in policy if one["Effect"] == "Allow"]
    assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert delivery["Action"] == "s3:PutObject"
    assert {text(one) for one in delivery["Condition"]["ArnLike"]["aws:SourceArn"]} == {
        "arn:aws:s3:::jozi-${Environment}-bronze-*", "arn:aws:s3:::jozi-${Environment}-lake-*",
    }  # fmt: skip


def test_bronze_is_tiered_and_nothing_former_stays_for_ever() -> None:
    rules = {one["Id"]: one for one in properties("BronzeBucket")["LifecycleConfiguration"]["Rules"]}
    assert rules["tier"]["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]
    for bucket, properties_ in of_type("AWS::S3::Bucket").items():
        kept = [
            one["NoncurrentVersionExpiration"]["NoncurrentDays"]
            for one in properties_["LifecycleConfiguration"]["Rules"]
            if "NoncurrentVersionExpiration" in one
        ]
        assert kept, bucket
        assert max(kept) <= 365, bucket


def test_who_drops_files_puts_into_the_folders_of_contracts_and_does_nothing_else() -> None:
    put, key = properties("DropperPolicy")["PolicyDocument"]["Statement"]
    assert put["Action"] == ["s3:PutObject", "s3:AbortMultipartUpload"]
    folders = {"${BronzeBucket.Arn}/" + contract.folder + "*" for contract in load_contracts().values()}
    assert {text(one) for one in put["Resource"]} == folders
    assert set(key["Action"]) == USE
    assert key["Resource"] == KEY_ARN


def test_every_resource_that_can_hold_data_is_known_here() -> None:
    # A new kind of store has to say how it is encrypted before this passes again.
    holding = {"AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup",
               "AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream", "AWS::SecretsManager::Secret",
               "AWS::SSM::Parameter", "AWS::EFS::FileSystem", "AWS::RDS::DBInstance"}  # fmt: skip
    found = {resource["Type"] for resource in expanded().values()} & holding
    assert found <= {
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SNS::Topic",
        "AWS::DynamoDB::Table",
        "AWS::Logs::LogGroup",
    }
    assert "AWS::LanguageExtensions" in written()["Transform"]  # DeletionPolicy depends on the environment by it
