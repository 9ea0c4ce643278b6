"""Intake: answers every file that arrives. Batches of EventBridge events from the arrivals queue."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lake.entries import FileEntry
from lake.flow import Flow
from lake.intake import Intake
from lake.logs import structured
from lake.measures import measured

logger = structured(Logger(service="intake"))
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Takes each event by itself, then starts what all of them need; a message that failed comes again."""
    with measured(Flow.from_environment()) as flow:
        intake = Intake(flow)
        entries: list[FileEntry] = []

        def take(record: SQSRecord) -> None:
            try:
                arrived = record.json_body
                logger.set_correlation_id(arrived.get("id"))
                entries.extend(intake.accept(arrived))
            except Exception:
                logger.exception("not taken in; the message comes again", extra={"message_id": record.message_id})
                raise

        answer = process_partial_response(event=event, record_handler=take, processor=processor, context=context)
        logger.info("taken in", extra=intake.finish(entries))
        return answer
