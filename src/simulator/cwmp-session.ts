import { randomBytes } from 'node:crypto';
import { restartIfAsked, takeScheduled } from './device-life.ts';
import type { Femtocell } from './femtocell.ts';
import { forcedInform } from './parameter-tree.ts';
import { answerRequest } from './rpc-answers.ts';
import type { SessionOptions, SessionReport } from './session-report.ts';
import { closeWire, cookieHeader, exchange, newWire, type Wire } from './session-wire.ts';
import type { AcsEnvelope } from './soap-reader.ts';
import {
  type CwmpVersion,
  type EventStruct,
  envelopeXml,
  informXml,
  namespaces,
  transferCompleteXml,
} from './soap-writer.ts';
import { carryOutTransfers } from './transfer-run.ts';

/** RPCs the device answers in one session before it thinks its ACS mad. */
const maxRequests = 1000;

/**
 * One CWMP session (TR-069 3.7): Inform, the device's own calls, an empty POST, then whatever the ACS asks until it
 * answers 204. `0 BOOTSTRAP` and `1 BOOT` at first, afterwards what is pending, or `2 PERIODIC`. Never throws for what
 * the ACS does.
 */
export async function runSession(cell: Femtocell, options: SessionOptions = {}): Promise<SessionReport> {
  cell.inSession = true;
  takeScheduled(cell, new Date());
  try {
    return await session(cell, options);
  } finally {
    cell.inSession = false;
  }
}

async function session(cell: Femtocell, options: SessionOptions): Promise<SessionReport> {
  const started = performance.now();
  await carryOutTransfers(cell);
  const wire = newWire(cell, options);
  const informed = await inform(wire, options.events ?? dueEvents(cell));
  if (informed !== undefined) {
    await options.whileOpen?.(cookieHeader(wire));
    if (options.abandon !== true) await converse(wire, informed.holdRequests);
  }
  cell.retryCount = wire.report.complete ? 0 : cell.retryCount + 1;
  await closeWire(wire);
  await carryOutTransfers(cell);
  await restartIfAsked(cell);
  return { ...wire.report, durationMs: performance.now() - started };
}

function dueEvents(cell: Femtocell): EventStruct[] {
  const plain = (eventCode: string): EventStruct => ({ eventCode, commandKey: '' });
  if (!cell.state.bootstrapped) return [plain('0 BOOTSTRAP'), plain('1 BOOT')];
  return cell.state.pendingEvents.length > 0 ? [...cell.state.pendingEvents] : [plain('2 PERIODIC')];
}

/** The envelope of InformResponse, or undefined: there is no session. */
async function inform(wire: Wire, events: readonly EventStruct[]): Promise<AcsEnvelope | undefined> {
  const { cell, options } = wire;
  const id = options.withoutId === true ? undefined : newId();
  const body = informXml({
    deviceId: options.deviceId ?? cell.options.deviceId,
    events,
    currentTime: options.currentTime ?? new Date().toISOString(),
    retryCount: cell.retryCount,
    parameterList: forcedInform(cell.state.tree, cell.state.changed),
  });
  const message = envelopeXml({ version: versionOf(cell), body, isInform: true, ...(id === undefined ? {} : { id }) });
  const answer = await call(wire, options.firstMessage ?? message, id);
  if (answer?.body.kind !== 'rpc' || answer.body.method !== 'InformResponse') return undefined;
  noteInformResponse(wire, answer);
  // InformResponse is what clears the events (TR-069 3.7.1.5).
  cell.state.bootstrapped = true;
  cell.state.pendingEvents.length = 0;
  cell.state.changed.clear();
  return answer;
}

function noteInformResponse({ cell, report }: Wire, answer: AcsEnvelope): void {
  const version = versionOf(cell);
  report.informed = true;
  if (answer.namespace !== namespaces[version]) report.violations.push(`sends InformResponse in ${answer.namespace}`);
  if (answer.useCwmpVersion === undefined) return;
  report.useCwmpVersion = answer.useCwmpVersion;
  // The header is mustUnderstand and unknown before 1.4: an older device has to fault (CWMP-4).
  if (version !== '1.4') report.violations.push(`sends UseCWMPVersion to CWMP ${version}`);
}

const newId = (): string => randomBytes(6).toString('hex');
const versionOf = (cell: Femtocell): CwmpVersion => cell.options.cwmp ?? '1.1';

/** Sends a request of the device and reads its response or fault; 8005 is asked again (at most three times). */
async function call(wire: Wire, message: string, id: string | undefined): Promise<AcsEnvelope | undefined> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = await exchange(wire, message);
    if (answer.kind !== 'envelope') return undefined;
    const { envelope } = answer;
    if (envelope.id !== id && (envelope.id !== undefined || id !== undefined))
      wire.report.violations.push(`answers ID ${id ?? 'absent'} with ID ${envelope.id ?? 'absent'}`);
    if (envelope.body.kind !== 'fault' || envelope.body.code !== 8005) return envelope;
  }
  return undefined;
}

/** A request of the device's own. */
interface OwnCall {
  readonly body: string;
  readonly answered: (answer: AcsEnvelope) => void;
}

function ownCalls({ cell: { state }, options }: Wire): OwnCall[] {
  const transfers = state.transfers.map(
    (transfer): OwnCall => ({
      body: transferCompleteXml(transfer),
      // Repeated in every session until TransferCompleteResponse (CWMP-54).
      answered: ({ body }) => {
        if (body.kind === 'rpc') state.transfers.splice(state.transfers.indexOf(transfer), 1);
      },
    }),
  );
  const others = state.ownRequests.map(
    (own): OwnCall => ({
      body: own.body,
      answered: ({ body }) => {
        if (body.kind === 'rpc') state.ownRequests.splice(state.ownRequests.indexOf(own), 1);
      },
    }),
  );
  return [
    ...transfers,
    ...others,
    ...(options.calls ?? []).map((method) => ({ body: `<cwmp:${method}/>`, answered: () => undefined })),
  ];
}

/**
 * The device's calls, unless the ACS holds them; then an empty POST, and the ACS's turn until it answers 204. What was
 * held is sent after that, for an empty answer ends the hold.
 */
async function converse(wire: Wire, held: boolean): Promise<void> {
  const queue = ownCalls(wire);
  for (let hold = held; ; ) {
    const own = hold ? undefined : queue.shift();
    if (own === undefined) {
      if (!(await acsTurn(wire))) return;
      hold = false;
      if (queue.length > 0) continue;
      wire.report.complete = true;
      return;
    }
    const id = newId();
    const answer = await call(wire, envelopeXml({ version: versionOf(wire.cell), body: own.body, id }), id);
    if (answer === undefined) return;
    own.answered(answer);
    hold = answer.holdRequests;
  }
}

/** An empty POST, and an answer to every request that comes; true when the ACS answered 204. */
async function acsTurn(wire: Wire): Promise<boolean> {
  const { cell, report } = wire;
  let answer = await exchange(wire, '');
  for (let count = 0; count < maxRequests; count += 1) {
    if (answer.kind !== 'envelope') return answer.kind === 'end';
    const { body, id } = answer.envelope;
    if (body.kind === 'fault' || body.method.endsWith('Response')) {
      report.violations.push(`sends a ${body.kind === 'fault' ? 'fault' : body.method} that answers nothing`);
      return false;
    }
    report.answered.push(body.method);
    const course = (await wire.options.onRequest?.(body.method)) ?? 'answer';
    if (course === 'hang-up') return false;
    const reply = answerRequest(cell.state, body.method, body.element, new Date());
    if (course === 'do-and-hang-up') return false;
    if (course !== 'answer') {
      await closeWire(wire);
      wire.url = new URL(course.reconnectTo);
    }
    answer = await exchange(
      wire,
      envelopeXml({ version: versionOf(cell), body: reply, ...(id === undefined ? {} : { id }) }),
    );
  }
  return false;
}
