import { schemaFaults } from '../config/schema-faults.ts';
import { readYamlFile } from '../config/yaml-file.ts';
import { type PolicyDocument, policySchema } from '../trust/revocation-policy.ts';
import { checkPolicy, type PolicyFault } from '../trust/revocation-policy-checks.ts';
import { exitCodes, failure } from './failure.ts';

export const policyExample = 'deploy/revocation-policy.example.yaml';

export type PolicyFile =
  | { readonly ok: true; readonly document: PolicyDocument; readonly content: unknown }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] };

/** Reads a policy file (YAML): the document, and the content as written; or every fault with its key and line. */
export function loadPolicyFile(file: string, anchors?: readonly string[]): PolicyFile {
  const read = readYamlFile(file);
  if (!('lineOf' in read)) return { ok: false, faults: read };
  const parsed = policySchema.safeParse(read.content, { reportInput: true });
  const faults = parsed.success
    ? checkPolicy(parsed.data, anchors)
    : schemaFaults(policySchema, parsed.error.issues, policyExample);
  if (parsed.success && faults.length === 0) return { ok: true, document: parsed.data, content: read.content };
  const located = faults.map((fault) => {
    const path = [...fault.key.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
    const line = read.lineOf(path);
    return line === undefined ? fault : { ...fault, cause: `${fault.cause} (${file}, line ${line})` };
  });
  return { ok: false, faults: located };
}

/** The same for commands: a faulty file ends them with exit code 2 and all its faults. */
export function readPolicyFile(file: string, anchors?: readonly string[]): Extract<PolicyFile, { ok: true }> {
  const result = loadPolicyFile(file, anchors);
  if (result.ok) return result;
  const lines = result.faults.map(({ key, cause, remedy }) => `${key}: ${cause}; ${remedy}`);
  const head = lines.length === 1 ? 'the policy is wrong' : `the policy has ${lines.length} faults`;
  throw failure(exitCodes.usage, [head, ...lines].join('\n  '));
}
