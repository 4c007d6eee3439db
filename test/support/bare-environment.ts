// Where programs are found, fetched through, built and kept: a test that starts without any configuration must not get them
// once more than the others.
const kept =
  /^(PATH|HOME|TMPDIR|XDG_CACHE_HOME|DOCKET_TEMPORAL_CLI|DOCKET_VERSITYGW|GO[A-Z]+|(HTTPS?|NO|ALL)_PROXY|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i;

/** The environment of somebody who has configured nothing, without what the shared stack of this test run puts there. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)));
}
