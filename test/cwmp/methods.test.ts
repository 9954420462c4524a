import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { encodeEnvelope, type OutgoingEnvelope } from '../../src/cwmp/encode.ts';
import { acsMethodsOf, cpeMethods, isSince } from '../../src/cwmp/methods.ts';
import { newSession, type RunnerInput } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import { cwmpVersions } from '../../src/cwmp/versions.ts';
import { peer, unless } from '../support/peers.ts';
import { acsRequests, acsResponses, cpeRequests, cpeResponses } from './every-message.ts';
import { read, readRequest, readResponse, refusal } from './wire.ts';

const messages = [...Object.values(acsRequests), ...acsResponses];

function write(
  message: (typeof messages)[number],
  namespace = 'urn:dslforum-org:cwmp-1-2',
  headers: Pick<OutgoingEnvelope, 'holdRequests' | 'useCwmpVersion'> = {},
): string {
  const encoded = encodeEnvelope({ namespace, id: '1', message, ...headers });
  if (!encoded.ok) assert.fail(encoded.message);
  return encoded.xml;
}

describe('what a CPE asks', () => {
  for (const [name, { xml, message }] of Object.entries(cpeRequests))
    test(`${name} is read whole`, () => {
      assert.deepEqual(readRequest({ body: `<cwmp:${name}>${xml}</cwmp:${name}>` }), message);
    });

  test('a transfer without its outcome is refused, not taken for a good one', () => {
    const { xml } = cpeRequests.AutonomousTransferComplete;
    const body = xml.replace(/<FaultStruct>.*<\/FaultStruct>/, '');
    const wire = { body: `<cwmp:AutonomousTransferComplete>${body}</cwmp:AutonomousTransferComplete>` };
    assert.equal(refusal(wire).code, 'invalid-arguments');
  });
});

describe('what a CPE answers', () => {
  for (const [name, { xml, message }] of Object.entries(cpeResponses))
    test(`${name} is read whole`, () => {
      assert.deepEqual(readResponse({ body: `<cwmp:${name}>${xml}</cwmp:${name}>` }), message);
    });

  test('an AddObjectResponse without its instance, or a Status of neither kind, is no answer to act on', () => {
    for (const body of ['<Status>0</Status>', '<InstanceNumber>3</InstanceNumber><Status>2</Status>'])
      assert.equal(
        refusal({ body: `<cwmp:AddObjectResponse>${body}</cwmp:AddObjectResponse>` }).code,
        'invalid-arguments',
      );
    assert.equal(refusal({ body: '<cwmp:DownloadResponse/>' }).code, 'invalid-arguments');
  });
});

describe('versions', () => {
  test('each is told the methods of its time', () => {
    assert.equal(acsMethodsOf('1.0').includes('AutonomousTransferComplete'), false);
    assert.equal(acsMethodsOf('1.1').includes('AutonomousTransferComplete'), true);
    assert.equal(acsMethodsOf('1.1').includes('DUStateChangeComplete'), false);
    assert.equal(acsMethodsOf('1.4').length, 8);
  });

  test('a request that the device cannot know is not sent, and the ACS keeps its turn', () => {
    for (const version of cwmpVersions)
      for (const request of Object.values(acsRequests) as AcsRequest[]) {
        const session = {
          ...newSession(),
          version,
          namespace: 'urn:dslforum-org:cwmp-1-0',
          state: { kind: 'acs-turn' },
        } as const;
        const input: RunnerInput = { kind: 'acs-request', request, task: 't' };
        const { reply, facts } = step(session, input);
        const known = isSince(version, cpeMethods[request.method]);
        assert.equal(reply.kind, known ? 'envelope' : 'acs-turn', `${request.method} of ${version}`);
        assert.equal(facts.length, known ? 0 : 1);
      }
  });
});

describe('what hems writes', () => {
  test('is read by nobody as a message of a CPE that answers', () => {
    for (const message of messages.filter(({ method }) => method === 'GetRPCMethods'))
      assert.equal(read(write(message)).body.kind, 'request');
  });

  // The schemas are the Broadband Forum's: cwmp-1-0.xsd to cwmp-1-4.xsd in the folder that HEMS_CWMP_XSD names.
  const schemas = process.env.HEMS_CWMP_XSD;
  const skip = unless('xmllint') || (schemas === undefined && 'needs HEMS_CWMP_XSD, a folder with cwmp-1-2.xsd');
  for (const minor of [0, 1, 2, 3, 4])
    test(`is valid by the schema cwmp-1-${minor}`, { skip }, () => {
      const version = cwmpVersions[minor] ?? '1.0';
      const folder = mkdtempSync(join(tmpdir(), 'hems-schema-'));
      try {
        const schema = schemaFolder(folder, schemas ?? '', minor);
        const files = messages
          .filter(
            (message) =>
              !(message.method in cpeMethods) || isSince(version, cpeMethods[message.method as AcsRequest['method']]),
          )
          .filter(({ method }) => minor >= 2 || !/^(Autonomous)?DU/.test(method))
          .filter(({ method }) => minor > 0 || !method.startsWith('Autonomous'))
          .filter((message) => message.method !== 'Fault' || message.faultCode < 8006 || minor === 4)
          .map((message, index) => {
            const file = join(folder, `${index}-${message.method}.xml`);
            writeFileSync(file, write(message, namespaceOf(minor)));
            return file;
          });
        assert.ok(files.length > 20);
        const headers = join(folder, 'headers.xml');
        const more = { holdRequests: true, ...(minor === 4 && { useCwmpVersion: '1.4' as const }) };
        writeFileSync(headers, write({ method: 'InformResponse' }, namespaceOf(minor), more));
        judge(schema, headers, ...files);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  test('and the schema notices what is wrong', { skip }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'hems-schema-'));
    try {
      const wrong = join(folder, 'wrong.xml');
      writeFileSync(wrong, write(acsRequests.Reboot).replaceAll('CommandKey', 'Commandkey'));
      const newer = join(folder, 'newer.xml');
      writeFileSync(newer, write({ method: 'InformResponse' }, namespaceOf(3), { useCwmpVersion: '1.4' }));
      for (const minor of [2, 3, 4]) {
        const schema = schemaFolder(folder, schemas ?? '', minor);
        assert.throws(() => judge(schema, wrong), `${minor}`);
        if (minor < 4) assert.throws(() => judge(schema, newer), `${minor}`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** CWMP 1.3 and 1.4 speak in the namespace of 1.2. */
function namespaceOf(minor: number): string {
  return `urn:dslforum-org:cwmp-1-${Math.min(minor, 2)}`;
}

/** Throws what xmllint says of the first file that is not valid. */
function judge(schema: string, ...files: readonly string[]): void {
  const env = { ...process.env, XML_CATALOG_FILES: join(schema, '../catalog.xml') };
  execFileSync(peer('xmllint') ?? '', ['--nonet', '--noout', '--schema', schema, ...files], { stdio: 'pipe', env });
}

/** Just what CWMP's schemas use of SOAP's two, written here: theirs are not ours to copy. */
function schemaFolder(folder: string, schemas: string, minor: number): string {
  const head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"';
  const soap = 'http://schemas.xmlsoap.org/soap';
  const lax = '<xs:any minOccurs="0" maxOccurs="unbounded" processContents';
  writeFileSync(
    join(folder, 'envelope.xsd'),
    `${head} xmlns:e="${soap}/envelope/" targetNamespace="${soap}/envelope/">
    <xs:attribute name="mustUnderstand"><xs:simpleType><xs:restriction base="xs:boolean"><xs:pattern value="0|1"/></xs:restriction></xs:simpleType></xs:attribute>
    <xs:element name="Envelope"><xs:complexType><xs:sequence>
      <xs:element ref="e:Header" minOccurs="0"/><xs:element ref="e:Body"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="Header"><xs:complexType><xs:sequence>${lax}="strict"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="Body"><xs:complexType><xs:sequence>${lax}="strict"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="Fault"><xs:complexType><xs:sequence><xs:element name="faultcode" type="xs:QName"/>
      <xs:element name="faultstring" type="xs:string"/><xs:element name="detail"><xs:complexType><xs:sequence>
      ${lax}="strict"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element></xs:schema>`,
  );
  writeFileSync(
    join(folder, 'encoding.xsd'),
    `${head} xmlns:t="${soap}/encoding/" targetNamespace="${soap}/encoding/">
    <xs:attribute name="arrayType" type="xs:string"/><xs:simpleType name="base64"><xs:restriction base="xs:base64Binary"/></xs:simpleType>
    <xs:complexType name="Array"><xs:sequence>${lax}="lax"/></xs:sequence><xs:attribute ref="t:arrayType"/></xs:complexType></xs:schema>`,
  );
  writeFileSync(
    join(folder, 'main.xsd'),
    `${head}><xs:import namespace="${soap}/envelope/" schemaLocation="envelope.xsd"/><xs:import namespace="${soap}/encoding/" schemaLocation="encoding.xsd"/>
    <xs:import namespace="${namespaceOf(minor)}" schemaLocation="${schemas}/cwmp-1-${minor}.xsd"/></xs:schema>`,
  );
  const own = `file://${folder}`;
  writeFileSync(
    join(folder, 'catalog.xml'),
    `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
    ${(['system', 'uri'] as const)
      .map((kind) => {
        const from = kind === 'system' ? 'systemId' : 'name';
        const [rewrite, start] =
          kind === 'system' ? ['rewriteSystem', 'systemIdStartString'] : ['rewriteURI', 'uriStartString'];
        return `<${kind} ${from}="${soap}/envelope/" uri="${own}/envelope.xsd"/>
    <${kind} ${from}="${soap}/encoding/" uri="${own}/encoding.xsd"/>
    <${rewrite} ${start}="http://www.broadband-forum.org/cwmp/" rewritePrefix="file://${schemas}/"/>`;
      })
      .join('\n')}</catalog>`,
  );
  return join(folder, 'main.xsd');
}
