import { stringify } from 'yaml';
import { contractDocument } from './contract-document.ts';
import type { ManagementDoorDeps } from './management-door.ts';

export const openapiInfo = {
  openapi: '3.1.0',
  info: {
    title: 'hems management',
    version: '0.1.0',
    description: 'The management door of hems, a TR-069 ACS for femtocells (the H(e)MS of 3GPP TS 33.320).',
  },
  servers: [{ url: 'http://127.0.0.1:7548', description: 'The default on the machine itself' }],
  tags: [
    { name: 'devices', description: 'The register: devices, what is known of them, what is wanted of them' },
    { name: 'jobs', description: 'Work on many devices, and files of them' },
    { name: 'files', description: 'Files that devices fetch, and what they send' },
    { name: 'sessions', description: 'What devices and hems said to each other' },
    { name: 'decisions', description: 'Who was admitted, who was refused, and why' },
    { name: 'trust', description: 'Trust anchors and revocation' },
    { name: 'audit', description: 'Who changed what' },
    { name: 'access', description: 'Who may use this API' },
    { name: 'operation', description: 'Health and metrics of one node' },
  ],
  components: {
    securitySchemes: {
      apiKey: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'An API key ("hems apikey create" makes one), or a token of the configured OpenID provider.',
      },
      clientCertificate: {
        type: 'mutualTLS' as 'http',
        scheme: undefined as unknown as string,
        description: 'A client certificate of the table of subjects.',
      },
    },
  },
};

export function contractText(swagger: object): string {
  return stringify(contractDocument(swagger), { lineWidth: 120, aliasDuplicateObjects: false });
}

/** The contract as text: generated from the routes, never written by hand. */
export async function renderOpenapi(
  build: (deps: ManagementDoorDeps) => Promise<{ swagger(): object; close(): Promise<void> }>,
  deps: ManagementDoorDeps,
): Promise<string> {
  const app = await build(deps);
  const text = contractText(app.swagger());
  await app.close();
  return `# Generated from the routes by "npm run openapi"; do not edit.\n${text}`;
}
