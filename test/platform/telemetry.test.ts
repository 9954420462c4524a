import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createLogger, createMetrics } from '../../src/platform/telemetry.ts';

function capture(isTTY: boolean): { stream: NodeJS.WritableStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => text };
}

const hostile = '\u001b[2J\u0000\r\n{"level":"fatal"}\u202egnp.exe';

describe('the log', () => {
  test('is one JSON document a line with time and level in words, for machines', () => {
    const { stream, text } = capture(false);
    const log = createLogger('info', stream);
    log.info({ peer: hostile }, 'refused');
    log.debug('not shown');
    const lines = text().trimEnd().split('\n');
    assert.equal(lines.length, 1);
    const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
    assert.ok(!Number.isNaN(Date.parse(String(time))));
    assert.deepEqual(rest, { level: 'info', peer: hostile, msg: 'refused' });
  });

  test('shows machines, and whoever looks over their shoulder, what a stranger wrote without obeying it', () => {
    const { stream, text } = capture(false);
    const peer = `${hostile}\u009b2J\u007f\u{e0041}\u2066\ud800`;
    createLogger('info', stream).info({ peer }, 'refused');
    assert.doesNotMatch(text().trimEnd(), /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    assert.equal((JSON.parse(text()) as { peer: string }).peer, peer);
  });

  test('is a short line for people, in which nothing a stranger wrote can move the cursor or forge a line', () => {
    const { stream, text } = capture(true);
    createLogger('info', stream).warn({ peer: hostile, port: 7547, listener: 'wan' }, `refused ${hostile}`);
    const shown = stripVTControlCharacters(text());
    assert.match(shown, /^\d\d:\d\d:\d\d\.\d{3} warn {2}refused \\u\{1b\}\[2J/);
    assert.match(shown, /port=7547 listener=wan\n$/);
    assert.doesNotMatch(shown.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  test('hides what is called a password', () => {
    const { stream, text } = capture(false);
    createLogger('info', stream).info({ password: 'geheim', headers: { authorization: 'Basic geheim' } }, 'x');
    assert.doesNotMatch(text(), /geheim/);
  });

  test('has type, message, code, cause and stack of an error, and nothing of what hangs on it', () => {
    const { stream, text } = capture(false);
    const error = Object.assign(new TypeError('no', { cause: new Error('because') }), {
      code: 'EX',
      client: { secretKey: 4911, url: 'postgres://hems:geheim@db/x' },
    });
    createLogger('info', stream).error({ err: error }, 'x');
    const { err } = JSON.parse(text()) as { err: Record<string, unknown> };
    assert.deepEqual(Object.keys(err), ['type', 'message', 'code', 'cause', 'stack']);
    assert.deepEqual([err.type, err.message, err.code, err.cause], ['TypeError', 'no', 'EX', 'because']);
    assert.doesNotMatch(text(), /geheim|4911/);
  });

  test('says nothing when it is silent', () => {
    const { stream, text } = capture(false);
    createLogger('silent', stream).fatal('x');
    assert.equal(text(), '');
  });
});

describe('the metrics', () => {
  test('are a registry of their own, with the figures of the process unless told not to', async () => {
    assert.match(await createMetrics().metrics(), /^process_cpu_seconds_total/m);
    const names = createMetrics({ process: false })
      .getMetricsAsArray()
      .map(({ name }) => name);
    assert.deepEqual(names, ['hems_build_info']);
  });
});
