import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import { encodeEnvelope } from '../../src/cwmp/encode.ts';
import { type CwmpSession, type DeviceInput, type Input, newSession, type Step } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import { acsRequests, cpeRequests, cpeResponses } from './every-message.ts';
import {
  envelopeXml,
  faultXml,
  getRpcMethodsXml,
  idHeader,
  informXml,
  methodsXml,
  readInform,
  transferCompleteXml,
  valuesXml,
} from './wire.ts';

const bodies = [
  informXml(),
  transferCompleteXml,
  getRpcMethodsXml,
  valuesXml,
  methodsXml,
  faultXml,
  '<cwmp:Kicked/>',
  '',
  ...Object.entries({ ...cpeRequests, ...cpeResponses }).map(
    ([name, { xml }]) => `<cwmp:${name}>${xml}</cwmp:${name}>`,
  ),
];
const documents = bodies.flatMap((body) => [
  envelopeXml({ body }),
  envelopeXml({ body, header: '', namespace: 'urn:dslforum-org:cwmp-1-4' }),
  envelopeXml({ body, header: `${idHeader('1')}<cwmp:SupportedCWMPVersions>1.0,1.4</cwmp:SupportedCWMPVersions>` }),
]);

const document = fc.constantFrom(...documents);
const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length);

const fragments = [
  ...[
    '<',
    '>',
    '/>',
    '</',
    '"',
    "'",
    '&',
    '&#0;',
    '&#x1b;',
    '&lt;',
    ']]>',
    '<![CDATA[',
    '<!--',
    '-->',
    '<?x ?>',
    '\u0000',
  ],
  ...[
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    ' xmlns=""',
    ' xmlns:cwmp="urn:x"',
    '<SerialNumber>9</SerialNumber>',
    '\u001b[2J',
  ],
  ...[
    '</soap:Body><soap:Body>',
    '<soap:Header/>',
    '\u202e',
    '\ufffe',
    'x'.repeat(65_536),
    '<a>'.repeat(40),
    ' a="1"'.repeat(20),
  ],
];

type Mutation = (bytes: Buffer) => Buffer;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  // Truncated.
  place.map((where) => (bytes: Buffer) => bytes.subarray(0, at(bytes, where))),
  // A byte changed.
  fc.tuple(place, fc.nat(255)).map(([where, byte]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[Math.min(at(copy, where), copy.length - 1)] = byte;
    return copy;
  }),
  // Something put in.
  fc.tuple(place, fc.constantFrom(...fragments)).map(([where, fragment]) => (bytes: Buffer) => {
    const cut = at(bytes, where);
    return Buffer.concat([bytes.subarray(0, cut), Buffer.from(fragment), bytes.subarray(cut)]);
  }),
  // A stretch taken out, or repeated.
  fc.tuple(place, place, fc.boolean()).map(([a, b, twice]) => (bytes: Buffer) => {
    const [from, to] = [at(bytes, Math.min(a, b)), at(bytes, Math.max(a, b))];
    return Buffer.concat([bytes.subarray(0, twice ? to : from), bytes.subarray(twice ? from : to)]);
  }),
  // The beginning of one message, the end of another.
  fc.tuple(place, document).map(([where, other]) => (bytes: Buffer) => {
    const end = Buffer.from(other);
    return Buffer.concat([bytes.subarray(0, at(bytes, where)), end.subarray(at(end, where))]);
  }),
);

const mutated = fc
  .tuple(document, fc.array(mutation, { maxLength: 4 }))
  .map(([xml, mutations]) => mutations.reduce<Buffer>((bytes, mutate) => mutate(bytes), Buffer.from(xml)));

/** As `decodeEnvelope` has it, and never by a defect. */
function readHostile(bytes: Uint8Array, charset?: string): DeviceInput {
  const decoded = decodeEnvelope(bytes, { charset });
  if (decoded.ok) return { kind: 'envelope', envelope: decoded.envelope };
  assert.notEqual(decoded.error.code, 'internal', decoded.error.message);
  assert.match(decoded.error.message, /^[\x20-\x7e…]{1,170}$/);
  return { kind: 'unreadable', error: decoded.error };
}

const deviceInput: fc.Arbitrary<Input> = fc.oneof(
  { weight: 3, arbitrary: document.map((xml) => readHostile(Buffer.from(xml))) },
  { weight: 2, arbitrary: mutated.map((bytes) => readHostile(bytes)) },
  { weight: 2, arbitrary: fc.constant<Input>({ kind: 'empty' }) },
);

const request: fc.Arbitrary<AcsRequest> = fc.oneof(
  fc.constantFrom<AcsRequest>(...Object.values(acsRequests)),
  fc
    .array(fc.string({ unit: 'binary' }))
    .map((parameterNames): AcsRequest => ({ method: 'GetParameterValues', parameterNames })),
);

const runnerInput: fc.Arbitrary<Input> = fc.oneof(
  fc.boolean().map((holdRequests): Input => ({ kind: 'inform-stored', holdRequests })),
  fc
    .constantFrom(8001, 8002, 8005)
    .map((faultCode): Input => ({ kind: 'inform-refused', faultCode: faultCode as 8001 })),
  fc
    .tuple(request, fc.boolean())
    .map(([asked, holdRequests]): Input => ({ kind: 'acs-request', request: asked, task: 't', holdRequests })),
  fc.constant<Input>({ kind: 'no-acs-request' }),
);

/** What must hold of every step, whatever came in. */
function assertSound(before: CwmpSession, input: Input, { session, reply, facts }: Step): void {
  const over = reply.kind === 'end' || reply.kind === 'refuse';
  assert.equal(session.state.kind === 'ended', over);
  if (reply.kind === 'store-inform') assert.equal(session.state.kind, 'storing-inform');
  if (reply.kind === 'acs-turn') assert.equal(session.state.kind, 'acs-turn');
  const xml = reply.kind === 'envelope' ? reply.xml : '';
  // Nothing makes the device forget its events but the word that the Inform is stored.
  if (xml.includes('<cwmp:InformResponse>'))
    assert.ok(before.state.kind === 'storing-inform' && input.kind === 'inform-stored');
  // A request that is outstanding is answered once, or is still outstanding.
  const answers = facts.filter(({ kind }) => kind === 'answer').length;
  const gone = before.state.kind === 'wait-answer' && session.state.kind !== 'wait-answer';
  const notSent = before.state.kind === 'acs-turn' && input.kind === 'acs-request' && session.state.kind === 'acs-turn';
  assert.equal(answers, gone || notSent ? 1 : 0);
  assert.deepEqual(step(JSON.parse(JSON.stringify(before)) as CwmpSession, input).reply, reply, 'the same after JSON');
}

describe('whatever comes in', () => {
  test('decodeEnvelope has an answer to mutated messages', () => {
    fc.assert(
      fc.property(mutated, fc.constantFrom(undefined, 'utf-8', 'iso-8859-1', 'us-ascii', 'x'), (bytes, charset) => {
        readHostile(bytes, charset);
      }),
      { numRuns: 3000 },
    );
  });

  test('decodeEnvelope has an answer to any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        readHostile(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('step has an answer to any inputs in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(deviceInput, runnerInput), { minLength: 1, maxLength: 12 }), (inputs) => {
        let session = newSession();
        for (const input of inputs) {
          const result = step(session, input);
          assertSound(session, input, result);
          session = result.session;
        }
      }),
      { numRuns: 600 },
    );
  });

  test('step has an answer to a device that says anything to a runner that does what it is asked', () => {
    const tasks = fc.array(request, { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(deviceInput, { minLength: 1, maxLength: 12 }),
        tasks,
        fc.boolean(),
        (inputs, queue, holdRequests) => {
          const left = [...queue];
          let session = newSession();
          const advance = (input: Input): Step => {
            const result = step(session, input);
            assertSound(session, input, result);
            session = result.session;
            return result;
          };
          for (const input of inputs) {
            let { reply } = advance(input);
            for (let rounds = 0; reply.kind === 'store-inform' || reply.kind === 'acs-turn'; rounds += 1) {
              assert.ok(rounds <= queue.length + 1, 'the runner is kept busy for ever');
              const next = left.shift();
              if (reply.kind === 'store-inform') reply = advance({ kind: 'inform-stored', holdRequests }).reply;
              else if (next === undefined) reply = advance({ kind: 'no-acs-request' }).reply;
              else reply = advance({ kind: 'acs-request', request: next, task: 't' }).reply;
            }
          }
        },
      ),
      { numRuns: 600 },
    );
  });
});

describe('text', () => {
  // What XML 1.0 can carry.
  const text = fc
    .string({ unit: 'binary', maxLength: 40 })
    .filter((value) => !/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(value));

  test('of an ID comes back as it was', () => {
    fc.assert(
      fc.property(text, (id) => {
        const encoded = encodeEnvelope({
          namespace: 'urn:dslforum-org:cwmp-1-0',
          id,
          message: { method: 'GetRPCMethods' },
        });
        assert.ok(encoded.ok);
        const decoded = decodeEnvelope(Buffer.from(encoded.xml));
        assert.ok(decoded.ok);
        assert.equal(decoded.envelope.headers.id, id);
      }),
      { numRuns: 500 },
    );
  });

  test('of a value comes in as it was', () => {
    fc.assert(
      fc.property(text, (value) => {
        const escaped = value.replace(/[&<>\r]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`);
        const { parameterList } = readInform({ body: informXml((xml) => xml.replace('>1.0<', () => `>${escaped}<`)) });
        assert.equal(parameterList[0]?.value, value);
      }),
      { numRuns: 500 },
    );
  });
});
