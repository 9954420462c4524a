import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../src/cli/program.ts';
import { operations } from './contract.ts';

/** Why a command has no operation: it is no question to a server. */
const local = {
  process: 'is the server itself, or sets it up where no server runs yet',
  machine: 'works on files and networks of the machine that it runs on, and knows no server',
  owner: 'changes the schema or its keys, which nobody may do from outside',
} as const;

/** Every command, and the operations by which the API can do the same. */
const table: Readonly<Record<string, readonly string[] | keyof typeof local>> = {
  serve: 'process',
  demo: 'process',
  migrate: 'process',
  simulate: 'machine',
  'config check': 'machine',
  'config print': 'machine',
  'pki issue': 'machine',
  'pki revoke': 'machine',
  'pki crl': 'machine',
  'pki responder': 'machine',
  'certificate check': 'machine',
  'certificate show': 'machine',
  'certificate survey': ['surveyCertificates'],
  'certificate ocsp': 'machine',
  'certificate profile': 'machine',
  'secret key': 'machine',
  'secret rotate': 'owner',
  'audit drop': 'owner',
  'device add': ['addDevice', 'linkIdentity'],
  'device list': ['listDevices'],
  'device describe': ['updateDevice'],
  'device serial': ['correctSerial'],
  'device show': ['getDevice', 'listIdentities', 'listCertificates', 'explainDevice', 'listAudit'],
  'device import': ['importDevices'],
  'device export': ['exportDevices'],
  'device handover': ['handoverDevice', 'moveDevices'],
  'device block': ['blockDevice', 'moveDevices'],
  'device unblock': ['unblockDevice', 'moveDevices'],
  'device approve': ['approveDevice', 'moveDevices'],
  'device reject': ['rejectDevice', 'moveDevices'],
  'device retire': ['retireDevice', 'moveDevices'],
  'device replace': ['replaceDevice'],
  'device rebind': ['rebindDevice'],
  'device certificate add': ['addCertificate'],
  'device certificate remove': ['removeCertificate'],
  'device wake': ['createConnectionRequest', 'getConnectionRequest'],
  'device identity add': ['linkIdentity'],
  'device identity remove': ['unlinkIdentity'],
  'device conflicts list': ['listConflicts'],
  'device conflicts settle': ['settleConflict'],
  'device get': ['createTask', 'getTask', 'listParameters'],
  'device set': ['createTask', 'getTask'],
  'device reboot': ['createTask', 'getTask'],
  'device factory-reset': ['createTask', 'getTask'],
  'device cancel-transfer': ['createTask', 'getTask'],
  'device add-object': ['createTask', 'getTask'],
  'device delete-object': ['createTask', 'getTask'],
  'device download': ['createTransfer', 'getTransfer'],
  'device upload': ['createTransfer', 'getTransfer'],
  'device transfers': ['listTransfers', 'listAutonomousTransfers'],
  'device uploads': ['listUploads', 'getUploadContent'],
  'file add': ['addFile'],
  'file list': ['listFiles'],
  'file show': ['getFile'],
  'file get': ['getFileContent'],
  'file remove': ['removeFile'],
  'file link': ['linkFile'],
  'file unlink': ['unlinkFile'],
  status: ['getStatus'],
  compliance: ['getCompliance'],
  'device parameters': ['listParameters', 'revealParameters'],
  'device trace': ['startTrace', 'stopTrace', 'listTraceMessages'],
  'task add': ['createTask'],
  'task add-many': ['createTasks'],
  'job list': ['listJobs'],
  'job show': ['getJob', 'getJobOutput'],
  'job wait': ['getJob'],
  'job cancel': ['cancelJob'],
  'task list': ['findTasks', 'listTasks'],
  'task show': ['lookUpTask', 'getTask'],
  'task cancel': ['cancelTask'],
  'policy show': ['getRevocationPolicy', 'listRevocationPolicies'],
  'policy check': ['checkRevocationPolicy'],
  'policy apply': ['applyRevocationPolicy'],
  'policy rollback': ['restoreRevocationPolicy'],
  'policy override': ['overrideRevocationPolicy'],
  'crl import': ['importCrl'],
  'crl list': ['listCrls'],
  'crl show': ['getCrl'],
  'revocation import': ['revokeCertificates'],
  'revocation revoke': ['revokeCertificates'],
  'revocation reinstate': ['reinstateCertificate'],
  'revocation list': ['listRevokedCertificates'],
  'revocation changes': ['listRevocationChanges'],
  'revocation quarantine': ['listQuarantinedCertificates'],
  'revocation release': ['releaseDevice'],
  explain: ['explainDevice', 'explainDecision', 'lookUpDevice'],
  events: ['listDecisionLog'],
  'audit show': ['listAuditRecords'],
  'audit verify': ['verifyAudit'],
  'audit checkpoint': ['createCheckpoint'],
  'audit key': ['getCheckpointKey'],
  'apikey create': ['createApiKey'],
  'apikey list': ['listApiKeys'],
  'apikey revoke': ['revokeApiKey'],
};

function leaves(command: Command, path: readonly string[] = []): readonly { name: string; command: Command }[] {
  return command.commands.flatMap((child) => {
    const name = [...path, child.name()];
    return child.commands.length === 0 ? [{ name: name.join(' '), command: child }] : leaves(child, name);
  });
}

const commands = leaves(await program());

test('everything that the command line can do, the API can; what it cannot has a reason', () => {
  assert.deepEqual(commands.map(({ name }) => name).sort(), Object.keys(table).sort());
  const unknown = Object.entries(table).flatMap(([name, wanted]) =>
    Array.isArray(wanted) ? wanted.filter((id: string) => !operations.has(id)).map((id) => `${name}: ${id}`) : [],
  );
  assert.deepEqual(unknown, []);
});

test('every command with an operation takes --server, and no command takes a key in its command line', () => {
  for (const { name, command } of commands) {
    const flags = command.options.map(({ long }) => long);
    assert.equal(flags.includes('--server'), Array.isArray(table[name]), name);
    assert.ok(!flags.some((flag) => /^--(api-?key|token|secret|password)$/.test(flag ?? '')), name);
  }
});
