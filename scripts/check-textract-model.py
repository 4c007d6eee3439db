"""Drives the local Textract endpoint through boto3 and checks every answer against the official service model.

Every answer is checked twice: boto3 parses it (a wrong type is an error), and the raw body is held against the shapes
of botocore's service model (unknown members, enumerations, lengths, patterns, ranges). Both protocols of the model are
driven: AWS JSON 1.1 and, where botocore can speak it, Smithy RPC v2 CBOR.

    pip install boto3
    check-textract-model.py --textract http://127.0.0.1:PORT --s3 http://127.0.0.1:PORT --document FILE

FILE has one page: the operations that answer at once take no more.
Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). Ends with 1 when anything is wrong.
"""

import argparse
import json
import re
import sys
import time
import uuid

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import PROTOCOL_PARSERS

# Errors that every AWS service of this kind knows and no model lists.
COMMON_ERRORS = {
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
}

problems = []
checked = {}


def expect(condition, message):
    if not condition:
        problems.append(message)
        print(f"  WRONG: {message}")


def check_shape(shape, value, path):
    """Holds a raw value against a shape of the model, with the constraints that botocore itself does not enforce."""
    meta = shape.metadata
    kind = shape.type_name
    if kind == "structure":
        expect(isinstance(value, dict), f"{path} is no structure")
        for name in shape.required_members:
            expect(name in value, f"{path}.{name} is required")
        for name, member in value.items():
            if name not in shape.members:
                expect(False, f"{path}.{name} is not in the model")
            else:
                expect(member is not None, f"{path}.{name} is null")
                check_shape(shape.members[name], member, f"{path}.{name}")
    elif kind == "list":
        expect(isinstance(value, list), f"{path} is no list")
        for at, member in enumerate(value):
            check_shape(shape.member, member, f"{path}[{at}]")
        check_range(meta, len(value), path)
    elif kind == "string":
        expect(isinstance(value, str), f"{path} is no string")
        check_range(meta, len(value), path)
        if "enum" in meta:
            expect(value in meta["enum"], f"{path}: {value} is not one of the model's values")
        pattern = meta.get("pattern")
        if pattern and isinstance(value, str):
            expect(re.fullmatch(pattern, value, re.S), f"{path}: {value!r} does not match {pattern}")
    elif kind == "integer":
        expect(isinstance(value, int) and not isinstance(value, bool), f"{path} is no integer")
        check_range(meta, value, path)
    elif kind == "float":
        expect(isinstance(value, (int, float)) and not isinstance(value, bool), f"{path} is no number")
        check_range(meta, value, path)
    else:
        expect(False, f"{path}: the check knows no {kind}")


def check_range(meta, value, path):
    expect("min" not in meta or value >= meta["min"], f"{path}: {value} is below {meta.get('min')}")
    expect("max" not in meta or value <= meta["max"], f"{path}: {value} is above {meta.get('max')}")


def decode(protocol, body):
    if protocol == "json":
        return json.loads(body)
    parser = PROTOCOL_PARSERS[protocol]()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def make_client(arguments, protocol, **credentials):
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    model = loader.load_service_model("textract", "service-2")
    model["metadata"]["protocol"] = protocol
    model["metadata"]["protocols"] = [protocol]
    boto = boto3.session.Session(botocore_session=session)
    settings = Config(retries={"max_attempts": 0, "mode": "standard"})
    client = boto.client(
        "textract", endpoint_url=arguments.textract, region_name=arguments.region, config=settings, **credentials
    )

    def check(response_dict, event_name, **_):
        if response_dict is None:
            return
        operation = client.meta.service_model.operation_model(event_name.rsplit(".", 1)[1])
        raw = decode(protocol, response_dict["body"])
        status = response_dict["status_code"]
        expect("x-amzn-requestid" in response_dict["headers"], f"{operation.name}: no x-amzn-RequestId")
        key = f"{operation.name} ({protocol})"
        checked[key] = checked.get(key, 0) + 1
        if status < 300:
            check_shape(operation.output_shape, raw, operation.name)
            return
        name = raw.get("__type", "").split("#")[-1]
        modelled = {error.name: error for error in operation.error_shapes}
        expect(name in modelled or name in COMMON_ERRORS, f"{operation.name}: {name} is no error of the operation")
        if name in modelled:
            fault = modelled[name].metadata.get("fault")
            wanted = modelled[name].metadata.get("error", {}).get("httpStatusCode", 500 if fault else 400)
            expect(status == wanted, f"{name} has status {status}, not {wanted}")

    client.meta.events.register("response-received.textract", check)
    return client


def refused(call, name, **parameters):
    try:
        call(**parameters)
        expect(False, f"{name} was expected for {parameters}")
    except ClientError as error:
        expect(error.response["Error"]["Code"] == name, f"{error.response['Error']} where {name} was expected")
        return error.response["Error"]["Message"]


def wait(get, job_id):
    deadline = time.time() + 600
    while time.time() < deadline:
        answer = get(JobId=job_id, MaxResults=1)
        if answer["JobStatus"] != "IN_PROGRESS":
            return answer
        time.sleep(0.3)
    raise SystemExit(f"job {job_id} does not end")


def all_blocks(get, job_id, **parameters):
    blocks, token = [], None
    while True:
        answer = get(JobId=job_id, **parameters, **({"NextToken": token} if token else {}))
        blocks += answer["Blocks"]
        token = answer.get("NextToken")
        expect(token is None or len(token) <= 255, "NextToken is longer than 255 characters")
        if token is None:
            return blocks


def check_blocks(blocks, pages):
    by_id = {block["Id"]: block for block in blocks}
    expect(len(by_id) == len(blocks), "block ids are not unique")
    found = sorted(block["Page"] for block in blocks if block["BlockType"] == "PAGE")
    expect(found == list(range(1, pages + 1)), f"PAGE blocks are of pages {found}, not of 1 to {pages}")
    for block in blocks:
        for relationship in block.get("Relationships", []):
            for child in relationship["Ids"]:
                expect(child in by_id, f"{block['BlockType']} names a child that is not there")
        if block["BlockType"] == "LINE":
            ids = [i for r in block.get("Relationships", []) for i in r["Ids"]]
            words = [by_id[i]["Text"] for i in ids if i in by_id]
            expect("".join(words) == re.sub(r"\s", "", block["Text"]), f"line {block['Text']!r} is not its words {words}")
        box = block["Geometry"]["BoundingBox"]
        for name, extent in (("Left", "Width"), ("Top", "Height")):
            expect(-1e-6 <= box[name] and box[name] + box[extent] <= 1 + 1e-6, f"a box leaves the page: {box}")
        expect(len(block["Geometry"]["Polygon"]) >= 4, "a polygon has fewer than four points")


def drive(arguments, protocol):
    print(f"{protocol}:")
    client = make_client(arguments, protocol)
    s3 = boto3.client("s3", endpoint_url=arguments.s3, region_name=arguments.region,
                      config=Config(s3={"addressing_style": "path"}))
    bucket = f"check-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    with open(arguments.document, "rb") as file:
        s3.put_object(Bucket=bucket, Key="document", Body=file)
    s3.put_object(Bucket=bucket, Key="text.txt", Body=b"no document at all")
    location = {"S3Object": {"Bucket": bucket, "Name": "document"}}

    kinds = [
        (client.start_document_text_detection, client.get_document_text_detection, {}),
        (client.start_document_analysis, client.get_document_analysis,
         {"FeatureTypes": ["TABLES", "FORMS", "LAYOUT", "SIGNATURES"]}),
    ]
    for start, get, extra in kinds:
        token = uuid.uuid4().hex
        parameters = {"DocumentLocation": location, "ClientRequestToken": token, "JobTag": "tag", **extra}
        job_id = start(**parameters)["JobId"]
        expect(start(**parameters)["JobId"] == job_id, "the same token gave another job")
        refused(start, "IdempotentParameterMismatchException", **{**parameters, "JobTag": "other"})
        ended = wait(get, job_id)
        expect(ended["JobStatus"] == "SUCCEEDED", f"the job ended with {ended['JobStatus']}: {ended.get('StatusMessage')}")
        whole = all_blocks(get, job_id)
        for size in (1, 7, 100) if len(whole) < 400 else (37, 1000):
            expect(all_blocks(get, job_id, MaxResults=size) == whole, f"MaxResults={size} gives other blocks")
        expect(all_blocks(get, job_id, MaxResults=5000) == whole, "MaxResults above 1,000 is not taken as 1,000")
        check_blocks(whole, ended["DocumentMetadata"]["Pages"])
        lines = [block for block in whole if block["BlockType"] == "LINE"]
        print(f"  {start.__name__}: {ended['DocumentMetadata']['Pages']} pages, {len(whole)} blocks, {len(lines)} lines")
        expect(lines, "no line of text")
        refused(get, "InvalidParameterException", JobId=job_id, NextToken="made-up")
        refused(get, "InvalidJobIdException", JobId="0" * 64)
        other = kinds[1][1] if get is kinds[0][1] else kinds[0][1]
        refused(other, "InvalidJobIdException", JobId=job_id)
        refused(start, "InvalidS3ObjectException",
                **{**extra, "DocumentLocation": {"S3Object": {"Bucket": bucket, "Name": "missing"}}})
        refused(start, "InvalidS3ObjectException",
                **{**extra, "DocumentLocation": {"S3Object": {"Bucket": "no-such-bucket-here", "Name": "missing"}}})
        refused(start, "UnsupportedDocumentException",
                **{**extra, "DocumentLocation": {"S3Object": {"Bucket": bucket, "Name": "text.txt"}}})
        refused(start, "InvalidParameterException", **{**parameters, "ClientRequestToken": "not allowed"})
        refused(start, "InvalidParameterException", **{**extra, "DocumentLocation": {}})

        output = {"S3Bucket": bucket, "S3Prefix": "results"}
        job_id = start(DocumentLocation=location, OutputConfig=output, **extra)["JobId"]
        wait(get, job_id)
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"results/{job_id}/")["Contents"]]
        names = sorted(key.rsplit("/", 1)[1] for key in keys)
        expect(".s3_access_check" in names, "OutputConfig: no .s3_access_check")
        parts = [json.load(s3.get_object(Bucket=bucket, Key=f"results/{job_id}/{n}")["Body"])
                 for n in range(1, len(names))]
        expect(sum(len(part["Blocks"]) for part in parts) == len(whole), "OutputConfig: not all blocks were written")

    single = {"S3Object": {"Bucket": bucket, "Name": "document"}}
    if arguments.image:
        with open(arguments.image, "rb") as file:
            single = {"Bytes": file.read()}
    detected = client.detect_document_text(Document=single)
    check_blocks(detected["Blocks"], 1)
    analyzed = client.analyze_document(Document=single, FeatureTypes=["LAYOUT"])
    check_blocks(analyzed["Blocks"], 1)
    print(f"  detect_document_text: {len(detected['Blocks'])} blocks; analyze_document: {len(analyzed['Blocks'])}")
    refused(client.detect_document_text, "InvalidParameterException", Document={})
    refused(client.detect_document_text, "UnsupportedDocumentException", Document={"Bytes": b"text"})
    refused(client.analyze_document, "ValidationException", Document=single, FeatureTypes=["NOTHING"])
    refused(client.analyze_document, "InvalidParameterException", Document=single, FeatureTypes=["QUERIES"])
    wrong = make_client(arguments, protocol, aws_access_key_id="AKIDUNKNOWN", aws_secret_access_key="x")
    refused(wrong.detect_document_text, "UnrecognizedClientException", Document=single)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--textract", required=True, help="address of the local Textract endpoint")
    parser.add_argument("--s3", required=True, help="address of the S3 server that the endpoint reads")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--document", required=True, help="a document of any number of pages")
    parser.add_argument("--image", help="a document of one page; needed when --document has more")
    arguments = parser.parse_args()
    for protocol in ["json", "smithy-rpc-v2-cbor"]:
        if protocol in PROTOCOL_PARSERS:
            drive(arguments, protocol)
    for key, count in sorted(checked.items()):
        print(f"  {count:4d} answers of {key}")
    print("nothing is wrong" if not problems else f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
