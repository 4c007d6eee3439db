"""A document pipeline of the usual shape on Celery and Redis: validate, submit, poll, save.

It keeps none of Docket's promises: what a killed worker held is lost, a document that is handed in twice is paid twice,
nothing is checked but the object's size. Its settings are the fastest that do the work: clients and the connection to
PostgreSQL are kept, results are not, a task is acknowledged before it runs, the first poll is immediate.
"""

import os

import boto3
import psycopg
from botocore.config import Config
from celery import Celery
from celery.signals import worker_process_init

app = Celery("pipeline", broker=os.environ["BENCH_REDIS"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
    worker_send_task_events=False,
    worker_disable_rate_limits=True,
    task_default_queue="documents",
    task_compression=None,
)

clients = {}


@worker_process_init.connect
def connect(**_):
    options = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    clients["s3"] = boto3.client("s3", config=options)
    clients["textract"] = boto3.client("textract", config=options)
    clients["database"] = psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True)


@app.task(name="validate")
def validate(bucket, key):
    head = clients["s3"].head_object(Bucket=bucket, Key=key)
    start = clients["s3"].get_object(Bucket=bucket, Key=key, Range="bytes=0-1023")["Body"].read()
    if not start.startswith(b"%PDF-"):
        raise ValueError(f"{key} is no PDF")
    clients["database"].execute(
        "INSERT INTO documents (key, size, status) VALUES (%s, %s, 'processing')", (key, head["ContentLength"])
    )
    submit.delay(bucket, key)


@app.task(name="submit")
def submit(bucket, key):
    answer = clients["textract"].start_document_text_detection(
        DocumentLocation={"S3Object": {"Bucket": bucket, "Name": key}},
        ClientRequestToken=key.replace("/", "-").replace(".", "-"),
    )
    poll.delay(key, answer["JobId"])


@app.task(name="poll", bind=True, max_retries=100)
def poll(self, key, job_id):
    answer = clients["textract"].get_document_text_detection(JobId=job_id, MaxResults=1)
    if answer["JobStatus"] == "IN_PROGRESS":
        raise self.retry(countdown=1)
    save.delay(key, job_id)


@app.task(name="save")
def save(key, job_id):
    pages = {}
    token = None
    while True:
        more = {} if token is None else {"NextToken": token}
        answer = clients["textract"].get_document_text_detection(JobId=job_id, MaxResults=1000, **more)
        for block in answer["Blocks"]:
            if block["BlockType"] == "LINE":
                pages.setdefault(block["Page"], []).append(block["Text"])
        token = answer.get("NextToken")
        if token is None:
            break
    with clients["database"].transaction():
        for number, lines in pages.items():
            clients["database"].execute(
                "INSERT INTO pages (key, number, text) VALUES (%s, %s, %s)", (key, number, "\n".join(lines))
            )
        clients["database"].execute("UPDATE documents SET status = 'complete' WHERE key = %s", (key,))
