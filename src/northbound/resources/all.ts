import { takingKey } from '../idempotency.ts';
import type { AnyOperation } from '../operation.ts';
import { apiKeyOperations } from './api-keys.ts';
import { auditReads } from './audit.ts';
import { auditOperations } from './audit-desk.ts';
import { decisionReads } from './decisions.ts';
import { bulkOperations } from './bulk.ts';
import { conflictOperations } from './conflicts.ts';
import { crlOperations } from './crls.ts';
import { connectionRequestOperations } from './connection-requests.ts';
import type { ApiDeps } from './deps.ts';
import { deviceIdentities } from './device-adding.ts';
import { deviceFiles } from './device-files.ts';
import { fileOperations } from './files.ts';
import { jobOperations } from './jobs.ts';
import { deviceCertificates } from './device-certificates.ts';
import { describeDevice } from './device-description.ts';
import { deviceWrites } from './device-moves.ts';
import { deviceReads } from './devices.ts';
import { explanations } from './explanations.ts';
import { lookups } from './lookups.ts';
import { policyOperations } from './policies.ts';
import { revocationListOperations } from './revocation-list.ts';
import { standingReads } from './standing.ts';
import { getOverview } from './overview.ts';
import { parameterReads } from './parameters.ts';
import { sessionOperations } from './sessions.ts';
import { surveyCertificates } from './survey.ts';
import { taskOperations } from './tasks.ts';
import { createTransfer } from './transfer-wishes.ts';
import { transferOperations } from './transfers.ts';
import { trustReads } from './trust.ts';

/** Every operation of the API, in the order of the contract. */
export function apiOperations(deps: ApiDeps): readonly AnyOperation[] {
  const operations = [
    ...deviceReads(deps),
    ...parameterReads(deps),
    ...sessionOperations(deps),
    describeDevice(deps),
    ...deviceIdentities(deps),
    ...deviceCertificates(deps),
    ...deviceWrites(deps),
    ...conflictOperations(deps),
    ...bulkOperations(deps),
    ...deviceFiles(deps),
    ...jobOperations(deps),
    ...taskOperations(deps),
    ...fileOperations(deps),
    ...transferOperations(deps),
    createTransfer(deps),
    ...connectionRequestOperations(deps),
    ...decisionReads(deps),
    ...lookups(deps),
    ...explanations(deps),
    getOverview(deps),
    ...auditReads(deps),
    ...auditOperations(deps),
    ...apiKeyOperations(deps),
    ...trustReads(deps),
    surveyCertificates(deps),
    ...policyOperations(deps),
    ...crlOperations(deps),
    ...revocationListOperations(deps),
    ...standingReads(deps),
  ];
  return operations.map(takingKey);
}
