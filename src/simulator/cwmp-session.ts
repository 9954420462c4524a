import { randomBytes } from 'node:crypto';
import type { Femtocell } from './femtocell.ts';
import { forcedInform } from './parameter-tree.ts';
import { answerRequest } from './rpc-answers.ts';
import type { SessionOptions, SessionReport } from './session-report.ts';
import { type Answer, closeWire, cookieHeader, exchange, newWire, type Wire } from './session-wire.ts';
import type { AcsEnvelope } from './soap-reader.ts';
import { type EventStruct, envelopeXml, informXml, namespaces, transferCompleteXml } from './soap-writer.ts';

/** RPCs the device answers in one session before it thinks its ACS mad. */
const maxRequests = 1000;

/**
 * One CWMP session (TR-069 3.7): Inform, the device's own calls, an empty POST, then whatever the ACS asks until it
 * answers 204. `0 BOOTSTRAP` and `1 BOOT` at first, afterwards what is pending, or `2 PERIODIC`. Never throws for what
 * the ACS does.
 */
export async function runSession(cell: Femtocell, options: SessionOptions = {}): Promise<SessionReport> {
  const started = performance.now();
  const wire = newWire(cell, options);
  if (await inform(wire, options.events ?? dueEvents(cell))) {
    await options.whileOpen?.(cookieHeader(wire));
    const turn = options.abandon === true ? undefined : await ownCalls(wire);
    if (turn !== undefined) await acsTurn(wire, turn);
  }
  cell.retryCount = wire.report.complete ? 0 : cell.retryCount + 1;
  await closeWire(wire);
  return { ...wire.report, durationMs: performance.now() - started };
}

function dueEvents(cell: Femtocell): EventStruct[] {
  const plain = (eventCode: string): EventStruct => ({ eventCode, commandKey: '' });
  if (!cell.state.bootstrapped) return [plain('0 BOOTSTRAP'), plain('1 BOOT')];
  return cell.state.pendingEvents.length > 0 ? [...cell.state.pendingEvents] : [plain('2 PERIODIC')];
}

async function inform(wire: Wire, events: readonly EventStruct[]): Promise<boolean> {
  const { cell, options, report } = wire;
  const version = cell.options.cwmp ?? '1.1';
  const id = randomBytes(6).toString('hex');
  const body = informXml({
    deviceId: options.deviceId ?? cell.options.deviceId,
    events,
    currentTime: options.currentTime ?? new Date().toISOString(),
    retryCount: cell.retryCount,
    parameterList: forcedInform(cell.state.tree),
  });
  const message = envelopeXml({ version, body, isInform: true, ...(options.withoutId === true ? {} : { id }) });
  const answer = await call(wire, options.firstMessage ?? message, options.withoutId === true ? undefined : id);
  if (answer?.body.kind !== 'rpc' || answer.body.method !== 'InformResponse') return false;
  report.informed = true;
  if (answer.namespace !== namespaces[version]) report.violations.push(`InformResponse in ${answer.namespace}`);
  if (answer.useCwmpVersion !== undefined) {
    report.useCwmpVersion = answer.useCwmpVersion;
    // The header is mustUnderstand and unknown before 1.4: an older device has to fault (CWMP-4).
    if (version !== '1.4') report.violations.push(`UseCWMPVersion sent to CWMP ${version}`);
  }
  // InformResponse is what clears the events (TR-069 3.7.1.5).
  cell.state.bootstrapped = true;
  cell.state.pendingEvents.length = 0;
  return true;
}

/** Sends a request of the device and reads its response or fault; 8005 is asked again (at most three times). */
async function call(wire: Wire, message: string, id: string | undefined): Promise<AcsEnvelope | undefined> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = await exchange(wire, message);
    if (answer.kind !== 'envelope') return undefined;
    const { envelope } = answer;
    if (envelope.id !== id && (envelope.id !== undefined || id !== undefined))
      wire.report.violations.push(`ID ${envelope.id ?? 'absent'} answers ID ${id ?? 'absent'}`);
    if (envelope.body.kind !== 'fault' || envelope.body.code !== 8005) return envelope;
  }
  return undefined;
}

/**
 * TransferCompletes due, and what the options ask for; each answered, then the empty POST. Undefined: the session is
 * over.
 */
async function ownCalls(wire: Wire): Promise<Answer | undefined> {
  const { cell, options } = wire;
  const version = cell.options.cwmp ?? '1.1';
  const ask = (body: string): Promise<AcsEnvelope | undefined> => {
    const id = randomBytes(6).toString('hex');
    return call(wire, envelopeXml({ version, body, id }), id);
  };
  for (const transfer of [...cell.state.transfers]) {
    const answer = await ask(transferCompleteXml(transfer));
    if (answer === undefined) return undefined;
    // Repeated in every session until TransferCompleteResponse (CWMP-54).
    if (answer.body.kind === 'rpc') cell.state.transfers.splice(cell.state.transfers.indexOf(transfer), 1);
  }
  for (const method of options.calls ?? []) if ((await ask(`<cwmp:${method}/>`)) === undefined) return undefined;
  return exchange(wire, '');
}

async function acsTurn(wire: Wire, first: Answer): Promise<void> {
  const { cell, report } = wire;
  let answer = first;
  for (let count = 0; count < maxRequests; count += 1) {
    if (answer.kind === 'end') report.complete = true;
    if (answer.kind !== 'envelope') return;
    const { body, id } = answer.envelope;
    if (body.kind === 'fault' || body.method.endsWith('Response')) {
      report.violations.push(`a ${body.kind === 'fault' ? 'fault' : body.method} that answers nothing`);
      return;
    }
    report.answered.push(body.method);
    const version = cell.options.cwmp ?? '1.1';
    const reply = answerRequest(cell.state, body.method, body.element, new Date());
    answer = await exchange(wire, envelopeXml({ version, body: reply, ...(id === undefined ? {} : { id }) }));
  }
}
