"""Hands a file in to Docket, waits for its end, and prints its text.

    pip install -r requirements.txt
    eval "$(docket env)"          # or your own settings, see docs/configuration.md
    python hand_in.py scan.pdf [project]

Only the published contract is used (docs/contract.md): an upload, a workflow, the table `pages`.
"""

import asyncio
import hashlib
import os
import sys
from pathlib import Path

import boto3
import psycopg
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError


async def main(path: Path, project: str) -> int:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    bucket, key = os.environ["DOCKET_BUCKET"], f"python-example/{sha256}/{path.name}"
    boto3.client("s3").upload_file(str(path), bucket, key)

    # Address, namespace, API key, TLS: as Temporal's own tools read them. A file only where one is named, as Docket does.
    named = os.environ.get("TEMPORAL_PROFILE") or os.environ.get("TEMPORAL_CONFIG_FILE")
    settings = ClientConfig.load_client_connect_config(disable_file=not named)
    temporal = await Client.connect(**{"target_host": "127.0.0.1:7233", **settings})
    document = {"bucket": bucket, "key": key}
    handle = await temporal.start_workflow(
        "processDocument",
        {"document": document, "project": project, "sha256": sha256, "fileName": path.name},
        # The same content again joins the run that is open, and is not read twice in any case.
        id=f"python-example/{project}/{sha256}",
        task_queue="documents",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    try:
        result = await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause
        if not isinstance(cause, ApplicationError):
            raise
        detail = cause.details[0] if cause.details else {}
        print(f"{cause.type}: {cause.message}\nremedy: {detail.get('remedy', '')}", file=sys.stderr)
        return 2

    print(f"{result['pages']} pages, ${result['costUsd']:.4f}, reused: {result['reused']}", file=sys.stderr)
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        pages = database.execute(
            "SELECT coalesce(c.text, p.text) FROM pages p LEFT JOIN page_corrections c USING (document_id, number) "
            "WHERE document_id = %s ORDER BY number",
            (result["documentId"],),
        )
        print("\f".join(text for (text,) in pages))
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Usage: python hand_in.py FILE [PROJECT]")
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "default")))
