import { describe, expect, it } from "vitest";
import { loadAccountSettings } from "#docket/config";
import { chooseServices } from "#docket/local/choose-services";

/** What lies around on a developer's machine. */
const account = {
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  AWS_PROFILE: "work",
  AWS_REGION: "eu-central-1",
};

describe("AWS itself, which costs money", () => {
  it("is not used because of credentials, a profile or a region", () => {
    expect(chooseServices(account)).toEqual({
      databaseUrl: null,
      temporalAddress: null,
      s3: { kind: "embedded" },
      textract: { kind: "embedded" },
      bucket: "docket",
      makesBucket: true,
      region: "us-east-1",
      accessKey: null,
    });
  });

  it("is used where a bucket is named, in the configured region, and makes no bucket", () => {
    expect(chooseServices({ ...account, DOCKET_BUCKET: "mine" })).toMatchObject({
      s3: { kind: "aws" },
      textract: { kind: "aws" },
      bucket: "mine",
      makesBucket: false,
      region: "eu-central-1",
    });
  });

  it.each(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_TEXTRACT"])("is refused as %s without a bucket", (variable) => {
    const environment = { ...account, [variable]: "https://textract-fips.us-east-1.amazonaws.com" };
    expect(() => chooseServices(environment)).toThrow(expect.objectContaining({ type: "InvalidInput" }));
    expect(() => chooseServices({ ...environment, DOCKET_BUCKET: "mine" })).not.toThrow();
  });
});

it("an S3 of one's own keeps its documents away from Amazon Textract, with a bucket or without", () => {
  const environment = { ...account, AWS_ENDPOINT_URL_S3: "http://minio.internal:9000" };
  const own = { s3: { kind: "endpoint", endpoint: "http://minio.internal:9000" }, textract: { kind: "embedded" } };
  expect(chooseServices(environment)).toMatchObject({ ...own, bucket: "docket", makesBucket: true });
  expect(chooseServices({ ...environment, DOCKET_BUCKET: "b" })).toMatchObject({ ...own, makesBucket: false });
  // A host's name decides, not what else the address holds.
  const tricky = { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000/amazonaws.com" };
  expect(chooseServices(tricky)).toMatchObject({ textract: { kind: "embedded" } });
});

it("a Textract of one's own is used, and our S3 takes the keys that it knows", () => {
  const endpoint = "http://127.0.0.1:4566";
  expect(chooseServices({ ...account, AWS_ENDPOINT_URL_TEXTRACT: endpoint })).toMatchObject({
    s3: { kind: "embedded" },
    textract: { kind: "endpoint", endpoint },
    accessKey: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" },
  });
});

it("an empty variable is an unset one, and an address that is none is refused", () => {
  const empty = { DATABASE_URL: "", TEMPORAL_ADDRESS: "", DOCKET_BUCKET: "", AWS_ENDPOINT_URL_S3: "" };
  expect(chooseServices(empty)).toEqual(chooseServices({}));
  expect(() => chooseServices({ AWS_ENDPOINT_URL_S3: "localhost" })).toThrow(/is not an address/);
});

it("a worker's region is AWS_REGION, then what the AWS command line reads, then us-east-1", () => {
  const regionOf = (regions: Record<string, string>) =>
    loadAccountSettings({ DOCKET_BUCKET: "mine", ...regions }).storage.region;
  expect(regionOf({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-central-1" })).toBe("eu-west-1");
  expect(regionOf({ AWS_REGION: "", AWS_DEFAULT_REGION: "eu-central-1" })).toBe("eu-central-1");
  expect(regionOf({})).toBe("us-east-1");
});
