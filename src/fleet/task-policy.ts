import type { Operation } from '../cwmp/acs-methods.ts';
import { isSecret } from './secret-parameters.ts';
import type { ParameterToWrite, TaskRequest } from './task.ts';

export interface WritePolicy {
  /** Whether the device may be given a password for connection requests. */
  readonly connectionRequest: 'off' | 'digest';
}

/** Why a task is refused before it is queued. */
export interface TaskRefusal {
  readonly reason: 'not_https' | 'shared_secret' | 'read_only' | 'invalid';
  readonly message: string;
  readonly remedy: string;
}

/** What no device may be told, and what not all may be told alike. */
export function refusalForMany(request: TaskRequest): TaskRefusal | undefined {
  const refusal = refusalOf(request, { connectionRequest: 'off' });
  if (refusal !== undefined || request.kind !== 'write-values') return refusal;
  if (!request.values.some(({ name }) => isSecret(name))) return undefined;
  const message = 'a secret is of one device: it is not written to many';
  return { reason: 'shared_secret', message, remedy: 'write it to each device with a value of its own' };
}

const mostNames = 1000;
const longestValue = 64 * 1024;

/** The first thing in a wish that breaks TS 33.320 or TR-069; nothing of it is sent then. */
export function refusalOf(request: TaskRequest, policy: WritePolicy): TaskRefusal | undefined {
  switch (request.kind) {
    case 'write-values':
      return refuseValues(request.values, policy) ?? refuseKey(request.parameterKey);
    case 'download':
    case 'upload':
    case 'schedule-download':
      return (
        refuseTransfer(request) ??
        (request.kind === 'schedule-download' ? refuseCount(request.windows.length, 2, 'time windows') : undefined)
      );
    case 'change-du-state':
      return refuseOperations(request.operations);
    case 'add-object':
    case 'delete-object':
      return refuseObject(request.object) ?? refuseKey(request.parameterKey);
    case 'read-values':
    case 'read-attributes':
      return refuseCount(request.paths.length, mostNames, 'paths') ?? firstOf(request.paths, refuseName);
    case 'read-names':
    case 'read-tree':
      return request.path === '' ? undefined : refuseName(request.path);
    case 'write-attributes':
      return (
        refuseCount(request.attributes.length, mostNames, 'parameters') ??
        firstOf(request.attributes, ({ name }) => refuseName(name))
      );
    case 'schedule-inform':
      // TR-069 A.3.2.11: a delay of nothing is not allowed.
      return request.delaySeconds > 0 ? undefined : invalid('the delay is 0', 'write one second or more');
    case 'cancel-transfer':
      return refuseKey(request.commandKey);
    case 'set-vouchers':
      return refuseCount(request.vouchers.length, 16, 'vouchers');
    case 'get-methods':
    case 'reboot':
    case 'factory-reset':
    case 'queued-transfers':
    case 'get-options':
      return undefined;
  }
}

function firstOf<Item>(
  items: readonly Item[],
  judge: (item: Item) => TaskRefusal | undefined,
): TaskRefusal | undefined {
  for (const item of items) {
    const refusal = judge(item);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function invalid(message: string, remedy: string): TaskRefusal {
  return { reason: 'invalid', message, remedy };
}

/** An instance is a number, or an alias in brackets (TR-069 A4 3.6.1). */
const part = String.raw`(?:[A-Za-z_][\w-]*|\d+|\[[^[\].]{1,64}\])`;
const path = new RegExp(String.raw`^${part}(?:\.${part})*\.?$`);

function refuseName(name: string): TaskRefusal | undefined {
  if (name.length <= 256 && path.test(name)) return undefined;
  return invalid(
    `${JSON.stringify(name.slice(0, 80))} is no parameter path`,
    'write Device.X.1.Y, or Device.X. for all',
  );
}

function refuseObject(name: string): TaskRefusal | undefined {
  if (!name.endsWith('.')) return invalid(`${JSON.stringify(name.slice(0, 80))} is no object`, 'end it in a dot');
  return refuseName(name);
}

function refuseKey(key: string | undefined): TaskRefusal | undefined {
  if (key === undefined || key.length <= 32) return undefined;
  return invalid('the key is too long', 'write 32 characters at most');
}

function refuseCount(count: number, most: number, what: string): TaskRefusal | undefined {
  if (count >= 1 && count <= most) return undefined;
  return invalid(`${count} ${what}`, `name 1 to ${most}`);
}

function refuseValues(values: readonly ParameterToWrite[], policy: WritePolicy): TaskRefusal | undefined {
  // TR-069 A.3.2.1: a device refuses a name that is given twice.
  if (new Set(values.map(({ name }) => name)).size < values.length)
    return invalid('a parameter is given twice', 'give each one value');
  return refuseCount(values.length, mostNames, 'values') ?? firstOf(values, (value) => refuseValue(value, policy));
}

// XML 1.0 2.2, Char.
const notXml = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function refuseValue({ name, value, type }: ParameterToWrite, policy: WritePolicy): TaskRefusal | undefined {
  const refused = refuseName(name);
  if (refused !== undefined) return refused;
  if (name.endsWith('.')) return invalid(`${name} is an object`, 'name a parameter');
  if (value.length > longestValue)
    return invalid(`the value of ${name} is too long`, `${longestValue} characters at most`);
  if (notXml.test(value))
    return invalid(`the value of ${name} cannot be written as XML`, 'leave control characters out');
  if (type !== undefined && !/^[A-Za-z]\w{0,31}$/.test(type))
    return invalid(`${type} is no type`, 'write string, int, …');
  return breaksProfile(name, value, policy);
}

const acsUrl = /\.managementserver\.url$/i;
const uploadUrl = /\.perfmgmt\.config\.[^.]+\.url$/i;
const sessionSecret = /\.managementserver\.(?:username|password|stunusername|stunpassword)$/i;
const connectionRequestSecret = /\.managementserver\.connectionrequest(?:username|password)$/i;
const transferSecret = /\.perfmgmt\.config\.[^.]+\.(?:username|password)$/i;
const tampering = /\.enclosuretamperingdetected$/i;

function breaksProfile(name: string, value: string, policy: WritePolicy): TaskRefusal | undefined {
  // TS 33.320 8.3.4: CWMP runs over TLS.
  if (acsUrl.test(name) || uploadUrl.test(name))
    return refuseUrl(value, `${name} must be an https URL (TS 33.320 8.3.4)`);
  // TS 33.320 8.3.4: shared-secret-based authentication between H(e)NB and H(e)MS shall not be used.
  if ((sessionSecret.test(name) || transferSecret.test(name)) && value !== '') return sharedSecret(name);
  if (connectionRequestSecret.test(name) && value !== '' && policy.connectionRequest !== 'digest')
    return { ...sharedSecret(name), remedy: 'leave it empty, or set connectionRequest: digest for its anchor' };
  // TR-196: once true it stays so, whatever the data model calls it.
  if (tampering.test(name))
    return { reason: 'read_only', message: `${name} is never written`, remedy: 'look at the device' };
  return undefined;
}

export function writesConnectionRequestSecret(request: TaskRequest): boolean {
  return request.kind === 'write-values' && request.values.some(({ name }) => connectionRequestSecret.test(name));
}

function sharedSecret(what: string): TaskRefusal {
  return {
    reason: 'shared_secret',
    message: `${what} would be a shared secret (TS 33.320 8.3.4)`,
    remedy: 'leave it empty: the certificate authenticates the device',
  };
}

function refuseUrl(url: string, message: string): TaskRefusal | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.username !== undefined && (parsed.username !== '' || parsed.password !== ''))
    return sharedSecret('a user name in the URL');
  if (parsed?.protocol === 'https:') return undefined;
  return { reason: 'not_https', message, remedy: 'write https://…' };
}

interface Transfer {
  readonly fileType: string;
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** As the schema has it: a number and words, or `X`, an OUI or domain, and words. */
const fileType = /^(?:[1-9]\d*(?: \S+)+|X \S+ .+)$/;

function refuseTransfer({ fileType: type, url, username, password }: Transfer): TaskRefusal | undefined {
  if (type.length > 64 || !fileType.test(type))
    return invalid(`${JSON.stringify(type.slice(0, 80))} is no file type`, 'write "1 Firmware Upgrade Image", …');
  if (url.length > 256) return invalid('the URL is too long', 'TR-069 allows 256 characters');
  return (
    refuseUrl(url, 'files are transferred over https alone (TS 33.320 8.3.4)') ?? refuseCredentials(username, password)
  );
}

function refuseCredentials(username?: string, password?: string): TaskRefusal | undefined {
  return (username ?? '') === '' && (password ?? '') === '' ? undefined : sharedSecret('a password for the transfer');
}

function refuseOperations(operations: readonly Operation[]): TaskRefusal | undefined {
  return (
    refuseCount(operations.length, 16, 'operations') ??
    firstOf(operations, (operation) => {
      if (operation.operation === 'Uninstall') return undefined;
      const { url, username, password } = operation;
      return (
        (url === undefined || url === '' ? undefined : refuseUrl(url, 'modules are fetched over https alone')) ??
        refuseCredentials(username, password)
      );
    })
  );
}
