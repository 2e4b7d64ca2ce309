// SPDX-License-Identifier: Apache-2.0
// Google's Node clients as an application uses them: no endpoint, no transporter, nothing of Gatepost.
// google-auth.mjs FOLDER [FLOW…]: runs a flow for each credential and prints one JSON object of what came of it.
// Tokens are told by their prefix or claims only.
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import gcp from 'gcp-metadata';
import { GoogleAuth, Impersonated, JWT, OAuth2Client } from 'google-auth-library';

const [folder, ...chosen] = process.argv.slice(2);
const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
const AUDIENCE = 'https://orders.example';
const file = (name) => join(folder, `${name}.json`);
const read = async (name) => JSON.parse(await readFile(file(name), 'utf8'));

const clientOf = (name) => new GoogleAuth({ keyFilename: file(name), scopes }).getClient();
const kind = (token) => token.slice(0, 6); // tells whose it is: a person's, an account's, a pool's
const access = async (client) => kind((await client.getAccessToken()).token);

/** The e-mail of an ID token that Google's own verifier takes, with certificates that it fetches. */
async function email(idToken, audience = AUDIENCE) {
  const ticket = await new OAuth2Client().verifyIdToken({ idToken, audience });
  return ticket.getPayload().email;
}
const bearer = (headers) => (headers.get?.('authorization') ?? headers.Authorization).slice('Bearer '.length);
const idTokenOf = async (auth) => bearer(await (await auth.getIdTokenClient(AUDIENCE)).getRequestHeaders());

const flows = {
  async service_account() {
    const auth = new GoogleAuth({ keyFilename: file('admin'), scopes });
    return [await access(await auth.getClient()), await email(await idTokenOf(auth))];
  },
  async self_signed() {
    const key = await read('admin');
    const client = new JWT({ email: key.client_email, key: key.private_key, keyId: key.private_key_id });
    client.useJWTAccessWithScope = true;
    client.defaultScopes = scopes;
    const url = `https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts/${key.client_email}`;
    return (await client.request({ url })).data.email;
  },
  async authorized_user() {
    const client = await clientOf('jane');
    const idToken = await client.fetchIdToken(AUDIENCE);
    return [await access(client), await email(idToken, client._clientId)];
  },
  async external_account_authorized_user() {
    return access(await clientOf('workforce'));
  },
  async external_file() {
    return access(await clientOf('external-file'));
  },
  async external_url() {
    return access(await clientOf('external-url'));
  },
  async external_executable() {
    return access(await clientOf('external-executable'));
  },
  async external_impersonated() {
    return access(await clientOf('external-impersonated'));
  },
  async impersonated_with_delegates() {
    return access(await clientOf('impersonated'));
  },
  async impersonated_id_token() {
    const client = new Impersonated({ sourceClient: await clientOf('admin'), targetPrincipal: (await read('tester')).client_email,
      targetScopes: scopes, delegates: [], lifetime: 600 });
    return email(await client.fetchIdToken(AUDIENCE, { includeEmail: true }));
  },
  async default_credentials() {
    const auth = new GoogleAuth({ scopes });
    const client = await auth.getClient();
    return [client.constructor.name, await access(client), await email(await idTokenOf(auth)), await auth.getProjectId()];
  },
  async metadata() {
    return [await gcp.isAvailable(), await gcp.instance('region'), await gcp.instance('service-accounts/default/email')];
  },
  async metadata_by_its_name() {
    gcp.resetIsAvailableCache();
    delete process.env.GCE_METADATA_IP;
    process.env.GCE_METADATA_HOST = 'metadata.google.internal';
    return gcp.project('project-id');
  },
  async another_service() {
    const url = 'https://app-k2v7xw4mqa-uc.a.run.app';
    const client = await new GoogleAuth({ keyFilename: file('admin') }).getIdTokenClient(url);
    const { status, data } = await client.request({ url: `${url}/whoami` });
    return [status, data];
  },
  async a_forged_key() {
    const key = await read('admin');
    const other = await read('tester');
    const client = new JWT({ email: key.client_email, key: other.private_key, scopes });
    return client.authorize().then(() => 'it was taken', (e) => e.response.data);
  },
};

const results = {};
for (const name of chosen.length ? chosen : Object.keys(flows)) {
  results[name] = await flows[name]().catch((e) => `failed: ${e.message}`);
}
console.log(JSON.stringify(results));
