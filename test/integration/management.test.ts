import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decisionSeries } from '../../src/trust/decision-metrics.ts';
import { refusalReasons } from '../../src/trust/refusal.ts';
import { cleanup } from '../support/cleanup.ts';
import { metricsStage } from '../support/metrics-page.ts';
import { httpRequest, sayPlainly } from './clients.ts';
import { root } from './command.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { seriesOf, until } from './evidence.ts';
import { openStage, type Stage, withStage } from './stage.ts';

interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { name: string; ok: boolean; cause?: string }[];
}

async function readiness(stage: Stage): Promise<{ status: number; body: Readiness }> {
  const answer = await fetch(`${stage.app.management}/readyz`, { signal: AbortSignal.timeout(5000) });
  return { status: answer.status, body: (await answer.json()) as Readiness };
}

describe('the management door', () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage(metricsStage);
  });
  after(() => stage.stop());

  /** Raw, since fetch knows neither all methods nor all targets. */
  async function ask(method: string, path: string, body?: string): Promise<{ status: number; head: string }> {
    const request = httpRequest(method, path, {
      headers: { Connection: 'close' },
      ...(body !== undefined && { body }),
    });
    const { bytes } = await sayPlainly(Number(new URL(stage.app.management).port), request);
    const text = bytes.toString('latin1');
    return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1]), head: text.split('\r\n\r\n')[0] ?? '' };
  }

  test('answers GET /metrics, /healthz and /readyz', async () => {
    const metrics = await fetch(`${stage.app.management}/metrics`);
    assert.deepEqual([metrics.status, metrics.headers.get('content-type')?.split(';')[0]], [200, 'text/plain']);
    assert.match(await metrics.text(), /^hems_trust_decisions_total\{/m);
    const health = await fetch(`${stage.app.management}/healthz`);
    assert.deepEqual([health.status, await health.json()], [200, { status: 'ok' }]);
    assert.deepEqual(await readiness(stage), {
      status: 200,
      body: { ready: true, checks: [{ name: 'database', ok: true }] },
    });
  });

  test('tells nothing else without a key: any other path or method is a problem', async () => {
    const named = ['/metrics', '/healthz', '/readyz'];
    const others = ['/', '/cwmp', '/metrics/', '/metrics/x', '/healthz2', '/openapi.json', '/documentation', '/api/v1'];
    const odd = [
      '//metrics',
      '/%6detrics',
      '/metrics%00',
      '/%zz',
      '*',
      '/..%2f..%2fetc%2fpasswd',
      '/debug/pprof',
      '/.env',
    ];
    const methods = ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'];
    const wanted = [
      ...[...others, ...odd].flatMap((path) => ['GET', ...methods].map((method) => [method, path] as const)),
      ...named.flatMap((path) => methods.map((method) => [method, path] as const)),
    ];
    for (const [method, path] of wanted) {
      const { status, head } = await ask(method, path, method === 'GET' ? undefined : '');
      // A percent-encoded letter is the letter.
      if (method === 'GET' && path === '/%6detrics') {
        assert.equal(status, 200);
        continue;
      }
      // Slowed down in the end: it is one address that asks for so much.
      assert.ok([400, 401, 405, 429].includes(status), `${method} ${path}: ${status}`);
      assert.match(head, /^content-type: application\/problem\+json/im, `${method} ${path}`);
      assert.doesNotMatch(head, /^location:/im);
    }
  });

  test('says so in a problem when it cannot read a request at all, and repeats nothing of it', async () => {
    const port = Number(new URL(stage.app.management).port);
    const oddities = {
      400: 'GE<script>T / HTTP/1.1\r\n\r\n',
      431: httpRequest('GET', '/metrics', { headers: { 'X-Filler': '<script>'.repeat(5000) } }),
    };
    for (const [status, bytes] of Object.entries(oddities)) {
      const answer = (await sayPlainly(port, bytes)).bytes.toString('latin1');
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(answer, /^content-type: application\/problem\+json/im);
      assert.equal((JSON.parse(answer.split('\r\n\r\n')[1] ?? '') as { status: number }).status, Number(status));
      assert.doesNotMatch(answer, /script/);
    }
  });

  test('reads no body beyond its bound, and says so in a problem', async () => {
    const { status, head } = await ask('POST', '/metrics', 'x'.repeat(5000));
    assert.ok([401, 413, 429].includes(status), String(status));
    assert.match(head, /problem\+json/);
  });

  test('has every metric that the documents name', () => {
    const known = new Set(stage.metrics.getMetricsAsArray().map(({ name }) => name));
    const files = ['README.md', 'docs/*.md', 'deploy/*.yaml'].flatMap((pattern) => globSync(pattern, { cwd: root }));
    const named = files.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bhems_[a-z]+_[a-z_]+/g)].map(([name]) => name),
    );
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });

  test('has a counter at 0 for every reason and anchor, before anybody came', async () => {
    const text = await (await fetch(`${stage.app.management}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith('hems_trust_decisions_total{'));
    const found = lines.map((line) => {
      const labels = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
      assert.match(line, /\} 0$/);
      return { series: seriesOf(labels), reason: labels.reason, anchor: labels.anchor };
    });
    const anchors = ['acme', 'zenith', 'operator'];
    assert.deepEqual(
      new Set(found.map(({ series }) => series)),
      new Set(decisionSeries(anchors).map((labels) => seriesOf({ ...labels }))),
    );
    // Whoever is refused this early has shown no certificate, and so belongs to no anchor.
    const withoutCertificate =
      /^(not_tls|protocol_version|no_shared_cipher|(rc4|null)_only_client|handshake_timeout|no_client_cert)$/;
    for (const reason of refusalReasons)
      for (const anchor of withoutCertificate.test(reason) ? ['none'] : anchors)
        assert.ok(
          found.some((one) => one.reason === reason && one.anchor === anchor),
          `${reason} of ${anchor}`,
        );
    for (const anchor of anchors)
      assert.ok(
        found.some(({ series }) => series === seriesOf({ outcome: 'admitted', reason: 'none', anchor, peer: 'known' })),
      );
  });
});

describe('readiness follows the database', { timeout: 30_000 }, () => {
  test('it turns 503 with the cause when the database goes away, and recovers by itself', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    assert.equal((await readiness(stage)).status, 200);
    await proxy.cut();
    const gone = await readiness(stage);
    assert.deepEqual([gone.status, gone.body.ready, gone.body.checks[0]?.ok], [503, false, false]);
    assert.match(gone.body.checks[0]?.cause ?? '', /^the database test_\w+ at 127\.0\.0\.1:\d+ cannot be reached: /);
    // The process lives all the same: restarting it would mend nothing.
    assert.equal((await fetch(`${stage.app.management}/healthz`)).status, 200);
    await proxy.mend();
    await until(
      () => readiness(stage),
      ({ status }) => status === 200,
      'ready again',
    );
  });

  test('a database that takes connections and says nothing counts as gone within seconds', async (t) => {
    const proxy = await openDatabaseProxy();
    cleanup(t, () => proxy.close());
    const stage = await withStage(t, { databaseUrl: proxy.through });
    proxy.stopUp();
    const started = performance.now();
    const gone = await readiness(stage);
    assert.deepEqual([gone.status, gone.body.checks[0]?.cause], [503, 'no answer in 2 s']);
    assert.ok(performance.now() - started < 4000);
    await proxy.mend();
    await until(
      () => readiness(stage),
      ({ status }) => status === 200,
      'ready again',
    );
  });
});
