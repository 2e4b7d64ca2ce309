// SPDX-License-Identifier: Apache-2.0
// What a JSON report says that must be alike whoever ran the collection: no times, no ids.

function address(url) {
  const query = (url.query ?? []).map((q) => (q.value === null ? q.key : `${q.key}=${q.value}`)).join('&');
  return `${url.protocol}://${url.host.join('.')}:${url.port}/${(url.path ?? []).join('/')}?${query}`;
}

export function essence(report) {
  const executions = report.run.executions.map((e) => ({
    name: e.item.name, method: e.request.method, url: address(e.request.url), code: e.response?.code ?? null,
    failed: Boolean(e.requestError),
    errors: [...(e.prerequestScript ?? []), ...(e.testScript ?? [])].map((s) => s.error.name),
    assertions: (e.assertions ?? []).map((a) => [a.assertion, a.skipped, a.error?.message, a.error?.name]),
  }));
  const stats = Object.entries(report.run.stats).map(([name, s]) => [name, s.total, s.failed]);
  return { executions, stats };
}

export const values = (list) => Object.fromEntries((list ?? []).map((v) => [v.key, v.value]));
