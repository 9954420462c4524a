import { schemaFaults } from '../config/schema-faults.ts';
import { readYamlFile } from '../config/yaml-file.ts';
import { type PolicyDocument, policySchema } from '../trust/revocation-policy.ts';
import { checkPolicy, type PolicyFault } from '../trust/revocation-policy-checks.ts';
import { exitCodes, type Failure, failure } from './failure.ts';

export const policyExample = 'deploy/revocation-policy.example.yaml';

export type PolicyFile =
  | {
      readonly ok: true;
      readonly document: PolicyDocument;
      readonly content: unknown;
      /** Faults that somebody else found, with their lines. */
      readonly located: (faults: readonly PolicyFault[]) => readonly PolicyFault[];
    }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] };

/** Reads a policy file (YAML): the document, and the content as written; or every fault with its key and line. */
export function loadPolicyFile(file: string, anchors?: readonly string[]): PolicyFile {
  const read = readYamlFile(file);
  if (!('lineOf' in read)) return { ok: false, faults: read };
  const parsed = policySchema.safeParse(read.content, { reportInput: true });
  const faults = parsed.success
    ? checkPolicy(parsed.data, anchors)
    : schemaFaults(policySchema, parsed.error.issues, policyExample);
  const located = (found: readonly PolicyFault[]): readonly PolicyFault[] =>
    found.map((fault) => {
      const path = [...fault.key.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
      const line = read.lineOf(path);
      return line === undefined ? fault : { ...fault, cause: `${fault.cause} (${file}, line ${line})` };
    });
  if (parsed.success && faults.length === 0) return { ok: true, document: parsed.data, content: read.content, located };
  return { ok: false, faults: located(faults) };
}

/** The same for commands: a faulty file ends them with exit code 2 and all its faults. */
export function readPolicyFile(file: string, anchors?: readonly string[]): Extract<PolicyFile, { ok: true }> {
  const result = loadPolicyFile(file, anchors);
  if (result.ok) return result;
  throw policyFailure(result.faults);
}

export function policyFailure(faults: readonly PolicyFault[]): Failure {
  const lines = faults.map(({ key, cause, remedy }) => `${key}: ${cause}; ${remedy}`);
  const head = lines.length === 1 ? 'the policy is wrong' : `the policy has ${lines.length} faults`;
  return failure(exitCodes.usage, [head, ...lines].join('\n  '));
}
