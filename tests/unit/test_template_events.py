"""Events: every hop that nobody waits for is tried again, and what is lost ends in a queue that somebody looks at."""

from __future__ import annotations

from typing import Any

import pytest

from lake.conductor import is_night

from .stack import REPOSITORY, expanded, for_environment, grants, listed, of_type, properties, text, written

ENDS_OF_A_RUN = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
ASYNCHRONOUS = ["AssetsFunction", "ConductorFunction", "DigestFunction", "SweeperFunction"]
FOURTEEN_DAYS = 14 * 24 * 3600


def rules() -> dict[str, dict[str, Any]]:
    return of_type("AWS::Events::Rule")


def rule_to(function: str, **detail: Any) -> list[dict[str, Any]]:
    """The patterns of the rules that call `function` for events with at least this detail."""
    return [
        rule["EventPattern"]
        for rule in rules().values()
        if any(target["Arn"] == {"Fn::GetAtt": [function, "Arn"]} for target in rule["Targets"])
        and all(rule.get("EventPattern", {}).get("detail", {}).get(key) == value for key, value in detail.items())
    ]


def test_every_rule_tries_again_and_keeps_what_it_cannot_deliver() -> None:
    assert len(rules()) == 8
    for name, rule in rules().items():
        for target in rule["Targets"]:
            assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0, name
            assert text(target["DeadLetterConfig"]["Arn"]) in ("${ArrivalsDlq.Arn}", "${EventsDlq.Arn}"), name


def test_rules_may_write_into_the_queues_they_name() -> None:
    (policy,) = of_type("AWS::SQS::QueuePolicy").values()
    allow = next(one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow")
    prefix = "jozi-dev-"

    assert policy["Queues"] == [{"Ref": name} for name in ("ArrivalsQueue", "ArrivalsDlq", "EventsDlq")]
    assert (allow["Principal"], allow["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert for_environment(allow["Resource"]).endswith(f":{prefix}*")
    assert for_environment(allow["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(f":rule/{prefix}*")
    for rule in rules().values():
        assert for_environment(rule["Name"]).startswith(prefix)
    for queue in of_type("AWS::SQS::Queue").values():
        assert for_environment(queue["QueueName"]).startswith(prefix)


def test_queues_are_encrypted_and_keep_messages_as_long_as_sqs_can() -> None:
    for queue in of_type("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == {"Ref": "DataKey"}
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS
    (policy,) = of_type("AWS::SQS::QueuePolicy").values()
    deny = next(one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_objects_in_bronze_reach_the_arrivals_queue() -> None:
    rule = properties("ArrivalsRule")
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "BronzeBucket"}]}},
    }
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": "ArrivalsQueue.Arn"}] or [
        text(target["Arn"]) for target in rule["Targets"]
    ] == ["${ArrivalsQueue.Arn}"]


def test_arrivals_that_intake_cannot_take_end_in_their_dead_letter_queue() -> None:
    queue, intake = properties("ArrivalsQueue"), properties("IntakeFunction")
    assert text(queue["RedrivePolicy"]["deadLetterTargetArn"]) == "${ArrivalsDlq.Arn}"
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3
    assert queue["VisibilityTimeout"] >= 6 * intake["Timeout"]


def test_intake_takes_small_batches_and_gives_back_only_what_failed() -> None:
    (source,) = of_type("AWS::Lambda::EventSourceMapping").values()
    assert text(source["EventSourceArn"]) == "${ArrivalsQueue.Arn}"
    assert source["FunctionName"] == {"Ref": "IntakeFunction"}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < source["MaximumBatchingWindowInSeconds"] <= 5
    assert source["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("job", ["SilverJob", "GoldJob", "MaintainJob"])
def test_the_conductor_hears_of_every_way_a_run_can_end(job: str) -> None:
    (pattern,) = rule_to("ConductorFunction", jobName=[{"Ref": job}])
    assert (pattern["source"], pattern["detail-type"]) == (["aws.glue"], ["Glue Job State Change"])
    assert set(pattern["detail"]["state"]) == ENDS_OF_A_RUN


def test_the_conductor_hears_when_the_bronze_crawler_is_free_again() -> None:
    (pattern,) = rule_to("ConductorFunction", crawlerName=[{"Ref": "BronzeCrawler"}])
    assert (pattern["source"], pattern["detail-type"]) == (["aws.glue"], ["Glue Crawler State Change"])
    assert set(pattern["detail"]["state"]) == {"Succeeded", "Failed"}


def test_the_digest_is_told_of_fresh_gold_only() -> None:
    (pattern,) = rule_to("DigestFunction")
    assert pattern["detail"] == {"jobName": [{"Ref": "GoldJob"}], "state": ["SUCCEEDED"]}


def test_the_sweeper_comes_every_quarter_of_an_hour() -> None:
    schedule = schedules()["SweeperFunction"]
    assert schedule["ScheduleExpression"] == "rate(15 minutes)"
    assert schedule.get("State", "ENABLED") == "ENABLED"
    assert "sweeper" in for_environment(properties("SweeperFunction")["FunctionName"])


def test_tables_are_cared_for_by_night_where_the_stack_says_so() -> None:
    assert set(schedules()) == {"SweeperFunction", "ConductorFunction"}
    schedule = schedules()["ConductorFunction"]
    assert schedule["ScheduleExpression"] == "cron(30 1 * * ? *)"  # UTC: 03:30 where the shop is
    assert schedule["State"] == {"Ref": "MaintenanceSchedule"}
    assert written()["Parameters"]["MaintenanceSchedule"]["Default"] == "ENABLED"
    rule = for_environment(schedule["Name"])
    assert is_night({"detail-type": "Scheduled Event", "resources": [f"arn:aws:events:us-east-1:1:rule/{rule}"]})
    other = for_environment(schedules()["SweeperFunction"]["Name"])
    assert not is_night({"detail-type": "Scheduled Event", "resources": [f"arn:aws:events:us-east-1:1:rule/{other}"]})


def schedules() -> dict[str, dict[str, Any]]:
    """The rules that a clock calls, by the function that they call."""
    timed = [rule for rule in rules().values() if "ScheduleExpression" in rule]
    return {rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]: rule for rule in timed}


def test_each_rule_may_call_its_function_and_no_other_may() -> None:
    called = {rule: item["Targets"][0]["Arn"] for rule, item in rules().items() if rule != "ArrivalsRule"}
    permissions = of_type("AWS::Lambda::Permission").values()

    allowed = {permission["SourceArn"]["Fn::GetAtt"][0]: permission["FunctionName"] for permission in permissions}

    assert {rule: target["Fn::GetAtt"][0] for rule, target in called.items()} == {
        rule: function["Ref"] for rule, function in allowed.items()
    }


def test_functions_that_nobody_waits_for_set_aside_what_they_fail_on() -> None:
    configs = {item["FunctionName"]["Ref"]: item for item in of_type("AWS::Lambda::EventInvokeConfig").values()}

    assert sorted(configs) == ASYNCHRONOUS
    for function, config in configs.items():
        assert text(config["DestinationConfig"]["OnFailure"]["Destination"]) == "${EventsDlq.Arn}"
        role = text(properties(function)["Role"]).strip("${}").removesuffix(".Arn")
        assert any(
            "sqs:SendMessage" in listed(grant["Action"]) and text(grant["Resource"]) == "${EventsDlq.Arn}"
            for grant in grants(role)
        )


def test_every_function_that_something_calls_asynchronously_is_among_them() -> None:
    targets = {
        target["Arn"]["Fn::GetAtt"][0] for rule in rules().values() for target in rule["Targets"]
        if isinstance(target["Arn"].get("Fn::GetAtt"), list)
    } & set(of_type("AWS::Lambda::Function"))  # fmt: skip
    custom = {
        text(item["Properties"]["ServiceToken"]).strip("${}").removesuffix(".Arn")
        for item in expanded().values()
        if item["Type"].startswith("Custom::")
    }
    assert sorted(targets | custom) == ASYNCHRONOUS


def test_the_topic_takes_alarms_and_budget_of_this_account_and_nothing_in_plain_text() -> None:
    (policy,) = of_type("AWS::SNS::TopicPolicy").values()
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]}
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_alert_topic_and_the_ledger_are_named_to_the_functions_as_they_are() -> None:
    variables = written()["Globals"]["Function"]["Environment"]["Variables"]
    named = {
        "BRONZE_BUCKET": ("BronzeBucket", "BucketName"), "LAKE_BUCKET": ("LakeBucket", "BucketName"),
        "LEDGER_TABLE": ("LedgerTable", "TableName"), "SILVER_JOB": ("SilverJob", "Name"),
        "GOLD_JOB": ("GoldJob", "Name"), "MAINTAIN_JOB": ("MaintainJob", "Name"),
        "BRONZE_CRAWLER": ("BronzeCrawler", "Name"),
    }  # fmt: skip
    for variable, (resource, name) in named.items():
        assert variables[variable] == properties(resource)[name]
    for variable, layer in (("SILVER_DATABASE", "SilverDatabase"), ("GOLD_DATABASE", "GoldDatabase")):
        assert variables[variable] == properties(layer)["DatabaseInput"]["Name"]


def asynchronous_hops() -> dict[str, str]:
    """Whatever in the template is handed something that nobody waits for, and the queue for what it cannot take.

    Found in the template, so that a new rule, function, queue or subscriber without an end of its own fails here.
    """
    queues = of_type("AWS::SQS::Queue")
    hops: dict[str, str] = {}
    for name, queue in queues.items():
        if "RedrivePolicy" in queue:
            hops[name] = text(queue["RedrivePolicy"]["deadLetterTargetArn"])
    for name, rule in rules().items():
        for target in rule["Targets"]:
            hops[f"{name} {target['Id']}"] = text(target["DeadLetterConfig"]["Arn"])
    for source in of_type("AWS::Lambda::EventSourceMapping").values():
        queue = text(source["EventSourceArn"]).strip("${}").removesuffix(".Arn")
        hops[source["FunctionName"]["Ref"]] = text(queues[queue]["RedrivePolicy"]["deadLetterTargetArn"])
    for config in of_type("AWS::Lambda::EventInvokeConfig").values():
        hops[config["FunctionName"]["Ref"]] = text(config["DestinationConfig"]["OnFailure"]["Destination"])
    for name, resource in written()["Resources"].items():
        if resource["Type"] == "AWS::SNS::Subscription":  # there on a condition only
            hops[name] = text(resource["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])
    for name, item in expanded().items():
        assert item["Type"] not in ("AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"), f"{name}: say where it fails to"
    return {name: end.strip("${}").removesuffix(".Arn") for name, end in hops.items()}


def test_every_dead_end_has_an_alarm_and_a_line_in_the_runbook_that_names_the_command() -> None:
    lines = [line for line in (REPOSITORY / "docs" / "runbook.md").read_text().splitlines() if line.startswith("|")]
    alarms = {
        text(dimension["Value"]).strip("${}").removesuffix(".QueueName"): (name, alarm)
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items()
        for dimension in alarm.get("Dimensions", ())
    }
    hops = asynchronous_hops()
    print(f"{len(hops)} asynchronous hops: {', '.join(sorted(hops))}")
    called = {
        f"{rule} {target['Id']}": text(target["Arn"]).strip("${}").removesuffix(".Arn")
        for rule, item in rules().items()
        for target in item["Targets"]
    }
    functions = {name for name, item in expanded().items() if item["Type"] == "AWS::Lambda::Function"}

    assert functions <= set(hops)  # every function is called by a queue or asynchronously
    for hop, queue in hops.items():
        name, alarm = alarms[queue]
        assert {"Ref": "AlertsTopic"} in alarm["AlarmActions"], hop
        of_hop = [line for line in lines if called.get(hop, hop) in line and queue in line and name in line]
        assert of_hop, f"{hop} ends in {queue}: the runbook needs a line with {name} and a command"
        assert all("`lake " in line or "`sam " in line for line in of_hop), hop


def test_alerts_that_nobody_got_may_be_written_into_their_queue() -> None:
    (policy,) = of_type("AWS::SQS::QueuePolicy").values()
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert any(
        one["Principal"] == {"Service": "sns.amazonaws.com"}
        and one["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "AlertsTopic"}}}
        for one in allowed
    )
