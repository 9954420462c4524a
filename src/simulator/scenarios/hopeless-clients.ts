import { sendHello, sendPlainHttp } from '../raw-client.ts';
import type { HelloName } from '../raw-client-hello.ts';
import { refused } from './bad-certificates.ts';
import { ofRaw, type Scenario } from './scenario.ts';

const hopeless: readonly { hello: HelloName; title: string; reason: string; alert?: number }[] = [
  // TS 33.320 8.3.4: cipher suites with RC4 shall not be used.
  { hello: 'rc4-only', title: 'A client that can do RC4 alone', reason: 'rc4_only_client', alert: 40 },
  { hello: 'null-only', title: 'A client that can do NULL encryption alone', reason: 'null_only_client', alert: 40 },
  { hello: '3des-only', title: 'A client that can do 3DES alone', reason: 'no_shared_cipher', alert: 40 },
  {
    hello: 'anonymous-only',
    title: 'A client that wants anonymous key exchange',
    reason: 'no_shared_cipher',
    alert: 40,
  },
  // TS 33.210 6.2.1: SSL 3, TLS 1.0 and 1.1 shall not be supported.
  { hello: 'tls1.0', title: 'A client that speaks TLS 1.0', reason: 'protocol_version', alert: 70 },
  { hello: 'sslv3', title: 'A client that speaks SSL 3', reason: 'protocol_version' },
];

/** Clients that never get as far as a certificate. */
export function hopelessClientScenarios(): Scenario[] {
  const hellos = hopeless.map(
    ({ hello, title, reason, alert }): Scenario => ({
      name: hello,
      title,
      prepare: [],
      steps: [refused('ClientHello', reason, alert === undefined ? {} : { alert })],
      run: async ({ doors }) => [ofRaw(await sendHello(doors.main, hello))],
    }),
  );
  return [
    ...hellos,
    {
      name: 'plain-http',
      title: 'Plain HTTP on the TLS port',
      prepare: [],
      steps: [refused('POST', 'not_tls')],
      run: async ({ doors }) => [ofRaw(await sendPlainHttp(doors.main))],
    },
  ];
}
