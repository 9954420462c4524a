import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { createEgress } from '../../src/platform/egress/egress.ts';
import { crlPointer } from '../../src/simulator/certificate-minting.ts';
import { mintCrl } from '../../src/simulator/crl-minting.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';
import { weighPolicy } from '../../src/trust/revocation/desk.ts';
import { applyPolicy } from '../../src/trust/revocation/policy-store.ts';
import { policySchema } from '../../src/trust/revocation-policy.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { cRLNumber, deltaCRLIndicator, distributionPoints, mintCrlDer } from '../x509/crl-minting.ts';
import {
  admitted,
  by,
  type Cell,
  handshake,
  type Node,
  newCell,
  newEui,
  newNode,
  newPki,
  now,
  type Pki,
  trustAnchors,
  verdict,
} from './world.ts';

const hour = 3_600_000;

interface Fetched {
  readonly outcome: string | null;
  readonly failures: number;
  readonly next_at: Date;
  readonly etag: string | null;
}

describe('CRLs that are fetched', () => {
  let pki: Pki;
  let origin: string;
  let host: string;
  /** What the server answers, and what it was asked. */
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const asked: { url: string; etag: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', etag: request.headers['if-none-match'] });
    answer(request, response);
  });
  let database: TestDatabase;

  before(async () => {
    pki = await newPki();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    origin = `http://${host}`;
  });
  after(() => new Promise((done) => server.close(done)));

  beforeEach(async (t) => {
    database = await createTestDatabase();
    asked.length = 0;
    assert.ok('after' in t);
    t.after(() => database.drop());
  });

  function send(der: Uint8Array, headers: Record<string, string> = {}) {
    return (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'application/pkix-crl', ...headers }).end(der);
    };
  }

  function crl(number: number, more: { readonly nextUpdate?: Date; readonly by?: Pki } = {}): Promise<Buffer> {
    const { issuer } = (more.by ?? pki).authorities.acme;
    const thisUpdate = new Date(now.getTime() - hour + number * 1000);
    const nextUpdate = more.nextUpdate ?? new Date(now.getTime() + 24 * hour);
    return mintCrl({ issuer, entries: [], number, thisUpdate, nextUpdate });
  }

  /** `herald`: a device came before the policy, so that its issuing CA is known. */
  async function nodeWith(policy: object, herald = true): Promise<Node> {
    const node = await newNode(database.db, pki);
    if (herald) admitted(await node.gate.admit(handshake((await cellOf(node)).chain)));
    await applyPolicy(database.db, { anchors: [{ name: 'acme', depth: 'end-entity', ...policy }] }, by, now);
    await node.assembly.facts.refresh();
    return node;
  }

  const named = () => ({ sources: [{ kind: 'operator-crl', url: `${origin}/a.crl` }] });
  const pointed = (limits: object = {}) => ({ sources: [{ kind: 'cert-cdp', hosts: [host] }], limits });

  async function cellOf(node: Node, url?: string): Promise<Cell> {
    const value = `${newEui()}.hnb.acme.example`;
    const added = await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    assert.ok(added.ok);
    return newCell(pki, {
      dnsNames: [value],
      ...(url !== undefined && { extensions: [crlPointer(url)] }),
    });
  }

  async function stateOf(url: string): Promise<Fetched> {
    const { rows } = await database.db.query<Fetched>({
      text: 'select outcome, failures, next_at, etag from crl_fetches where url = $1',
      values: [url],
    });
    assert.ok(rows[0] !== undefined, `${url} is not known`);
    return rows[0];
  }

  test('are fetched ahead by the reconciler, at half of their life again, and only if they changed', async () => {
    const node = await nodeWith(named());
    answer = send(await crl(1), { etag: '"one"' });
    await node.assembly.fetcher.tick(node.clock.now());
    assert.equal(asked.length, 1);
    await node.assembly.fetcher.tick(node.clock.now());
    assert.equal(asked.length, 1, 'nothing is due');
    const { next_at, outcome } = await stateOf(`${origin}/a.crl`);
    assert.equal(outcome, 'stored');
    const half = (next_at.getTime() - now.getTime()) / hour;
    assert.ok(half > 10 && half < 14, `${half} h`);
    const cell = await cellOf(node);
    admitted(await node.gate.admit(handshake(cell.chain)));
    assert.equal(asked.length, 1, 'the device waited for nobody');
    answer = (_, response) => void response.writeHead(304).end();
    node.clock.set(next_at);
    await node.assembly.fetcher.tick(node.clock.now());
    assert.deepEqual(asked.at(-1), { url: '/a.crl', etag: '"one"' });
    assert.equal((await stateOf(`${origin}/a.crl`)).outcome, 'not-modified');
    admitted(await node.gate.admit(handshake(cell.chain)));
  });

  test('are fetched again when the first device shows the CA that signed them', async () => {
    const node = await nodeWith(named(), false);
    answer = send(await crl(1));
    await node.assembly.fetcher.tick(node.clock.now());
    assert.equal((await stateOf(`${origin}/a.crl`)).outcome, 'signer-unknown');
    const cell = await cellOf(node);
    assert.match(verdict(await node.gate.admit(handshake(cell.chain))), /^revocation_unavailable\/unauthorized_signer/);
    node.clock.advance(1000);
    admitted(await node.gate.admit(handshake(cell.chain)));
    assert.equal(asked.length, 2);
  });

  test('are fetched once for a crowd that comes for the same one', async () => {
    const node = await nodeWith(pointed());
    answer = send(await crl(1));
    const cells = await Promise.all([1, 2, 3, 4].map(() => cellOf(node, `${origin}/crowd.crl`)));
    const outcomes = await Promise.all(cells.map((cell) => node.gate.admit(handshake(cell.chain))));
    assert.deepEqual(outcomes.map(verdict), ['admitted', 'admitted', 'admitted', 'admitted']);
    assert.equal(asked.length, 1);
  });

  test('are fetched by one of two nodes, and known to both', async () => {
    const first = await nodeWith(named());
    const second = await newNode(database.db, pki);
    const der = await crl(1);
    answer = (request, response) => setTimeout(() => send(der)(request, response), 200);
    await Promise.all([first, second].map((node) => node.assembly.fetcher.tick(now)));
    assert.equal(asked.length, 1);
    const cell = await cellOf(first);
    for (const node of [first, second]) {
      await node.assembly.facts.refresh();
      admitted(await node.gate.admit(handshake(cell.chain)));
    }
    assert.equal(asked.length, 1);
  });

  const failures: readonly (readonly [what: string, outcome: string, detail: string, () => Promise<typeof answer>])[] =
    [
      [
        'a status that is none of success',
        'unreachable',
        'unreachable',
        async () => (_, r) => void r.writeHead(503).end(),
      ],
      ['something that is no CRL', 'malformed', 'malformed', async () => send(Buffer.from('<html>'))],
      [
        'a CRL that somebody else signed',
        'bad-signature',
        'bad_signature',
        async () => send(await crl(9, { by: await newPki() })),
      ],
      ['more than the policy lets in', 'too-large', 'too_large', async () => send(Buffer.alloc(9000, 0x30))],
      [
        'a redirect to another host',
        'unreachable',
        'unreachable',
        async () => (_, r) => void r.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
      ],
      [
        'an answer that ends in the middle',
        'unreachable',
        'unreachable',
        async () => (_, r) => {
          r.writeHead(200, { 'content-length': '5000' });
          r.write('x');
          setTimeout(() => r.destroy(), 20);
        },
      ],
    ];
  for (const [what, outcome, detail, make] of failures)
    test(`${what} is remembered as a failure, and nobody waits for it again`, async () => {
      const node = await nodeWith({ ...named(), limits: { crlBytes: 8192 } });
      answer = await make();
      const cell = await cellOf(node);
      const refused = `revocation_unavailable/${detail}/known`;
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), refused);
      const first = await stateOf(`${origin}/a.crl`);
      assert.deepEqual([first.outcome, first.failures], [outcome, 1]);
      assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), refused);
      assert.equal(asked.length, 1);
      // Each further failure waits longer.
      node.clock.set(first.next_at);
      await node.assembly.fetcher.tick(node.clock.now());
      const second = await stateOf(`${origin}/a.crl`);
      assert.equal(second.failures, 2);
      assert.ok(second.next_at.getTime() - first.next_at.getTime() > 18_000);
      answer = send(await crl(1));
      node.clock.set(second.next_at);
      await node.assembly.fetcher.tick(node.clock.now());
      admitted(await node.gate.admit(handshake(cell.chain)));
      assert.equal((await stateOf(`${origin}/a.crl`)).failures, 0);
    });

  test('an older one than before is refused, and the newer one stays in use', async () => {
    const node = await nodeWith(named());
    answer = send(await crl(5));
    await node.assembly.fetcher.tick(node.clock.now());
    answer = send(await crl(4));
    node.clock.set((await stateOf(`${origin}/a.crl`)).next_at);
    await node.assembly.fetcher.tick(node.clock.now());
    assert.equal((await stateOf(`${origin}/a.crl`)).outcome, 'number-rollback');
    admitted(await node.gate.admit(handshake((await cellOf(node)).chain)));
    assert.equal(node.assembly.facts.peek()?.holdings[0]?.number, '5');
  });

  test('name deltas, which are fetched too and count', async () => {
    const node = await nodeWith(named());
    const { issuer, issuing } = pki.authorities.acme;
    const cell = await cellOf(node);
    const by = {
      key: { ...issuer, spki: issuer.publicKey.export({ type: 'spki', format: 'der' }) },
      subject: parseCertificate(issuing!).subject.der,
    };
    const times = { thisUpdate: new Date(now.getTime() - hour), nextUpdate: new Date(now.getTime() + 24 * hour) };
    const points = distributionPoints([{ names: [{ uri: `${origin}/delta.crl` }] }], 'freshestCRL');
    const base = mintCrlDer({ by, ...times, extensions: [cRLNumber(1), points] });
    const entry = {
      serial: BigInt(`0x${parseCertificate(cell.chain[0]!).serialNumber}`),
      reason: 'keyCompromise' as const,
    };
    const delta = mintCrlDer({ by, ...times, entries: [entry], extensions: [cRLNumber(2), deltaCRLIndicator(1)] });
    answer = (request, response) => send(request.url === '/delta.crl' ? delta : base)(request, response);
    admitted(await node.gate.admit(handshake(cell.chain)));
    // What the complete one names is known from then on, and due.
    for (let i = 0; i < 2; i += 1) await node.assembly.fetcher.tick(node.clock.now());
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['/a.crl', '/delta.crl'],
    );
    assert.equal(verdict(await node.gate.admit(handshake(cell.chain))), 'revoked_crl/key_compromise/known');
  });

  test('are fetched for weighing a policy that names them, and not kept', async () => {
    const node = await newNode(database.db, pki);
    admitted(await node.gate.admit(handshake((await cellOf(node)).chain)));
    await database.db.query({ text: `update devices set state = 'active'` });
    answer = send(await crl(1));
    const document = policySchema.parse({ anchors: [{ name: 'acme', depth: 'end-entity', ...named() }] });
    const complain = (error: unknown): never => {
      throw error;
    };
    const anchors = (await trustAnchors(pki)).map(({ path }) => path);
    const desk = { db: database.db, clock: node.clock, anchors, readCrl, complain };
    const blind = await weighPolicy(desk, document);
    assert.deepEqual([blind.active, blind.refused.length, blind.open], [1, 0, 1]);
    const egress = createEgress({ clock: node.clock, metrics: new Registry() });
    const seen = await weighPolicy({ ...desk, egress }, document);
    egress.close();
    assert.deepEqual([seen.active, seen.refused.length, seen.open], [1, 0, 0]);
    assert.equal((await database.db.query({ text: 'select 1 from crl_holdings' })).count, 0);
  });

  test('certificates make hems fetch no more than the policy lets them: URLs, and fetches a minute', async () => {
    const node = await nodeWith(pointed({ pointerUrls: 2, pointerFetchesPerMinute: 1 }));
    answer = send(await crl(1));
    admitted(await node.gate.admit(handshake((await cellOf(node, `${origin}/1.crl`)).chain)));
    const second = await cellOf(node, `${origin}/2.crl`);
    assert.match(verdict(await node.gate.admit(handshake(second.chain))), /^revocation_unavailable\/not_fetched/);
    assert.equal(asked.length, 1);
    node.clock.advance(61_000);
    admitted(await node.gate.admit(handshake(second.chain)));
    node.clock.advance(61_000);
    const third = await cellOf(node, `${origin}/3.crl`);
    assert.match(verdict(await node.gate.admit(handshake(third.chain))), /^revocation_unavailable\/not_fetched/);
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['/1.crl', '/2.crl'],
    );
  });

  test('bytes that certificates made hems keep are bounded', async () => {
    const node = await nodeWith(pointed({ pointerBytes: 1024 }));
    const der = await mintCrl({
      issuer: pki.authorities.acme.issuer,
      number: 1,
      thisUpdate: new Date(now.getTime() - hour),
      nextUpdate: new Date(now.getTime() + hour),
      entries: Array.from({ length: 60 }, (_, i) => ({
        serialNumber: (0x1000 + i).toString(16),
        revokedAt: now,
        reason: 'superseded' as const,
      })),
    });
    assert.ok(der.length > 1024);
    answer = send(der);
    admitted(await node.gate.admit(handshake((await cellOf(node, `${origin}/1.crl`)).chain)));
    const other = await cellOf(node, `${origin}/2.crl`);
    assert.match(verdict(await node.gate.admit(handshake(other.chain))), /^revocation_unavailable\/not_fetched/);
    assert.equal(asked.length, 1);
  });

  test('pointers of a chain that leads nowhere are never followed', async () => {
    const node = await nodeWith(pointed());
    const stranger = await newCell(await newPki(), {
      dnsNames: [`${newEui()}.hnb.acme.example`],
      extensions: [crlPointer(`${origin}/stranger.crl`)],
    });
    assert.match(verdict(await node.gate.admit(handshake(stranger.chain))), /^chain_untrusted/);
    assert.equal(asked.length, 0);
  });
});
