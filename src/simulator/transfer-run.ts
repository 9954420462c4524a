import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceState, TransferJob } from './device-state.ts';
import type { Femtocell } from './femtocell.ts';
import { type Fetched, type FileOutcome, type FilePeer, fetchMore, nothingFetched, putFile } from './file-client.ts';
import { setParameter } from './parameter-tree.ts';
import { escapeXml, tag } from './soap-writer.ts';
import type { TransferPlan } from './transfer-plan.ts';

/* What a device does between its sessions about the transfers that it was asked for. */

/** Without the least progress it tries so often, waiting longer each time: as long as a server takes to come back. */
const mostTries = 10;
const firstWait = 200;
const longestWait = 3000;

const atOnce: TransferPlan = {
  ...{ times: 1, giveUp: false, corrupt: false, keepVersion: false, silent: false, late: false },
};

/** Carries out what is due, and leaves the telling of it to the next session. */
export async function carryOutTransfers(cell: Femtocell): Promise<void> {
  const { state } = cell;
  const now = new Date();
  const due = state.jobs.filter(({ notBefore }) => notBefore <= now);
  for (const job of due) {
    state.jobs.splice(state.jobs.indexOf(job), 1);
    const plan = state.transferPlans.shift() ?? atOnce;
    const { faultCode, fetched } = await run(cell, job, plan);
    settle(state, job, plan, faultCode, now, fetched);
  }
}

interface Run {
  readonly faultCode: number;
  readonly fetched?: Fetched;
}

async function run(cell: Femtocell, job: TransferJob, plan: TransferPlan): Promise<Run> {
  const { ca, credentials, timeoutMs = 30_000 } = cell.options;
  const peer: FilePeer = { ca, credentials, timeoutMs };
  const planned = new URL(job.url).searchParams.get('fault');
  if (planned !== null && /^9\d{3}$/.test(planned)) return { faultCode: Number(planned) };
  // RFC 2606: nothing is ever there, so the device pretends.
  if (isPretended(job.url)) return { faultCode: plan.fault ?? 0 };
  return job.method === 'Download' || job.method === 'ScheduleDownload'
    ? download(job, plan, peer)
    : { faultCode: await upload(cell.state, job, plan, peer) };
}

function isPretended(url: string): boolean {
  return new URL(url).hostname.endsWith('.example');
}

async function download(job: TransferJob, plan: TransferPlan, peer: FilePeer): Promise<Run> {
  const fetched = nothingFetched();
  let breaks = plan.breakAt === undefined ? 0 : plan.times;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const before = fetched.bytes;
    const breakAt = breaks > 0 ? (plan.breakAt ?? 0) + before : undefined;
    const outcome = await fetchMore(new URL(job.url), peer, fetched, { breakAt, rate: plan.rate });
    if (outcome.kind === 'done' && isWhole(fetched)) return { faultCode: judged(job, plan, fetched), fetched };
    if (breakAt !== undefined && outcome.kind === 'broken') breaks -= 1;
    const fault = downloadFault(outcome, tries === mostTries - 1);
    if (fault !== undefined) return { faultCode: fault };
    if (plan.giveUp) return { faultCode: 9017 };
    // Whoever gets on is not giving up.
    if (fetched.bytes > before) tries = -1;
    await sleep(waitFor(outcome, Math.max(0, tries)));
  }
  return { faultCode: 9017 };
}

const isWhole = ({ size, bytes }: Fetched): boolean => size === undefined || bytes === size;

function waitFor(outcome: FileOutcome, tries: number): number {
  const own = Math.min(longestWait, firstWait * 1.6 ** tries);
  return outcome.kind === 'status' ? Math.min(longestWait, outcome.retryAfterMs ?? own) : own;
}

/** Fault codes of TR-069 A.5.1; undefined: worth another try. */
function downloadFault(outcome: FileOutcome, isLast: boolean): number | undefined {
  if (outcome.kind === 'status') {
    if (outcome.status === 401 || outcome.status === 403) return 9012;
    if (outcome.status === 404 || outcome.status === 410) return 9016;
    return outcome.status >= 500 && !isLast ? undefined : 9010;
  }
  if (outcome.kind === 'broken' && !outcome.connected) return isLast ? 9015 : undefined;
  return isLast ? 9017 : undefined;
}

/** TR-069 A.3.2.8: FileSize, where it is given; and the hash, where the server tells it. */
function judged({ fileSize }: TransferJob, { corrupt, fault }: TransferPlan, fetched: Fetched): number {
  const digest = fetched.digest.copy().digest('base64');
  const wrong = (fileSize > 0 && fileSize !== fetched.bytes) || (fetched.announced ?? digest) !== digest;
  return corrupt || wrong ? 9018 : (fault ?? 0);
}

async function upload(state: DeviceState, job: TransferJob, plan: TransferPlan, peer: FilePeer): Promise<number> {
  const body = padded(contentOf(state, job.fileType), plan.bytes);
  let breaks = plan.breakAt === undefined ? 0 : plan.times;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const pace = { breakAt: breaks > 0 ? plan.breakAt : undefined, rate: plan.rate };
    const outcome = await putFile(new URL(job.url), peer, body, pace);
    if (outcome.kind === 'done') return plan.fault ?? 0;
    if (breaks > 0) breaks -= 1;
    if (plan.giveUp) return 9011;
    if (outcome.kind === 'status') {
      if (outcome.status === 401 || outcome.status === 403) return 9012;
      if (outcome.status < 500 || outcome.status === 507) return 9011;
    } else if (!outcome.connected && tries === mostTries - 1) return 9015;
    await sleep(waitFor(outcome, tries));
  }
  return 9011;
}

/** TR-069 A.3.2.7: 1 and 3 are configurations, 2 and 4 logs; anything else is the device's own. */
function contentOf({ tree, deeds }: DeviceState, fileType: string): Buffer {
  if (/^[13] /.test(fileType))
    return Buffer.from([...tree].map(([name, { value }]) => `${name}=${value}\n`).join(''), 'utf8');
  return Buffer.from(`${fileType}\n${deeds.map((deed, i) => `${i} ${deed}\n`).join('')}`, 'utf8');
}

/** A large file needs a large device otherwise. */
function padded(body: Buffer, size = body.length): Buffer {
  return Buffer.concat([body, Buffer.alloc(Math.max(0, size - body.length), '.')], size);
}

function settle(
  state: DeviceState,
  job: TransferJob,
  plan: TransferPlan,
  faultCode: number,
  startedAt: Date,
  fetched: Fetched | undefined,
): void {
  if (faultCode === 0 && job.method !== 'Upload' && job.method !== 'Autonomous') install(state, job, plan, fetched);
  if (plan.silent) return;
  if (job.method === 'Autonomous') tellAutonomous(state, job, faultCode, startedAt);
  else tell(state, job, faultCode, startedAt);
}

function install(state: DeviceState, job: TransferJob, plan: TransferPlan, fetched: Fetched | undefined): void {
  const head = Buffer.concat(fetched?.head ?? []).toString('utf8');
  if (job.fileType.startsWith('3 ')) configure(state, head);
  if (!job.fileType.startsWith('1 ')) return;
  // HEMS-16: a new image runs from the next boot on. The image names its version, or its name does.
  const version = /^femtocell-image (\S{1,64})\n/.exec(head)?.[1] ?? (job.targetFileName || '3.2.2');
  if (!plan.keepVersion) setParameter(state.tree, 'Device.DeviceInfo.SoftwareVersion', version);
  if (plan.late) return;
  state.pendingEvents.push({ eventCode: '1 BOOT', commandKey: '' });
  state.bootedAt = new Date();
}

/** Lines of `Device.X.Y=value`. */
function configure({ tree }: DeviceState, text: string): void {
  for (const line of text.split('\n')) {
    const [, name, value] = /^(Device\.[\w.]+)=(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined && value !== undefined && tree.has(name)) setParameter(tree, name, value);
  }
}

function tell(state: DeviceState, { method, commandKey }: TransferJob, faultCode: number, startedAt: Date): void {
  state.transfers.push({
    ...{ commandKey, faultCode, faultString: faultCode === 0 ? '' : 'As it went' },
    startTime: startedAt.toISOString(),
    completeTime: new Date().toISOString(),
  });
  state.pendingEvents.push(
    { eventCode: '7 TRANSFER COMPLETE', commandKey: '' },
    { eventCode: `M ${method}`, commandKey },
  );
}

/** TR-069 A.4.2.2. */
function tellAutonomous(state: DeviceState, job: TransferJob, faultCode: number, startedAt: Date): void {
  state.pendingEvents.push({ eventCode: '10 AUTONOMOUS TRANSFER COMPLETE', commandKey: '' });
  const fields = [
    tag('AnnounceURL', ''),
    tag('TransferURL', escapeXml(job.url)),
    tag('IsDownload', '0'),
    tag('FileType', escapeXml(job.fileType)),
    tag('FileSize', String(contentOf(state, job.fileType).length)),
    tag('TargetFileName', escapeXml(job.targetFileName)),
    tag('FaultStruct', tag('FaultCode', String(faultCode)) + tag('FaultString', '')),
    tag('StartTime', startedAt.toISOString()),
    tag('CompleteTime', new Date().toISOString()),
  ];
  state.ownRequests.push({
    method: 'AutonomousTransferComplete',
    body: tag('cwmp:AutonomousTransferComplete', fields.join('')),
  });
}
