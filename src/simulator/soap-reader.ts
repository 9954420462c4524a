import { child, type Element, readXml, textOf } from './xml-tree.ts';

const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';

/** What the ACS sent, as a strict CPE reads it. */
export interface AcsEnvelope {
  /** The CWMP namespace of the RPC; of the headers when the body holds a fault. */
  readonly namespace: string;
  readonly id?: string;
  readonly holdRequests: boolean;
  readonly useCwmpVersion?: string;
  readonly body:
    | { readonly kind: 'rpc'; readonly method: string; readonly element: Element }
    | { readonly kind: 'fault'; readonly code: number; readonly message: string };
  /** What breaks the rules of TR-069 3.5 without being unreadable. */
  readonly violations: readonly string[];
}

export type ReadResult =
  | { readonly ok: true; readonly envelope: AcsEnvelope }
  | { readonly ok: false; readonly error: string };

const cwmpNamespace = /^urn:dslforum-org:cwmp-1-\d$/;

export function readAcsEnvelope(xml: string): ReadResult {
  const parsed = readXml(xml);
  if (!parsed.ok) return parsed;
  const root = parsed.root;
  if (root.name !== 'Envelope' || root.namespace !== soapNamespace)
    return { ok: false, error: 'not a SOAP 1.1 envelope' };
  const bodies = root.children.filter(({ name, namespace }) => name === 'Body' && namespace === soapNamespace);
  const [content, ...more] = bodies[0]?.children ?? [];
  if (bodies.length !== 1 || content === undefined || more.length > 0)
    return { ok: false, error: 'not exactly one body with one RPC or fault' };
  const headers = child(root, 'Header')?.children ?? [];
  const header = (name: string): Element | undefined => headers.find((candidate) => candidate.name === name);
  const body = readBody(content);
  if (body === undefined) return { ok: false, error: 'a fault without a CWMP fault code' };
  const id = header('ID')?.text;
  const version = header('UseCWMPVersion')?.text;
  return {
    ok: true,
    envelope: {
      namespace: body.kind === 'rpc' ? content.namespace : (faultDetail(content)?.namespace ?? ''),
      ...(id === undefined ? {} : { id }),
      holdRequests: /^(1|true)$/.test(header('HoldRequests')?.text.trim() ?? ''),
      ...(version === undefined ? {} : { useCwmpVersion: version }),
      body,
      violations: violations(headers, content),
    },
  };
}

function readBody(content: Element): AcsEnvelope['body'] | undefined {
  if (content.name !== 'Fault' || content.namespace !== soapNamespace)
    return { kind: 'rpc', method: content.name, element: content };
  const detail = faultDetail(content);
  const code = Number(textOf(detail, 'FaultCode'));
  return Number.isInteger(code) && code > 0
    ? { kind: 'fault', code, message: textOf(detail, 'FaultString') }
    : undefined;
}

function faultDetail(fault: Element): Element | undefined {
  return child(child(fault, 'detail'), 'Fault');
}

function violations(headers: readonly Element[], content: Element): string[] {
  const found: string[] = [];
  const isFault = content.namespace === soapNamespace;
  if (!isFault && !cwmpNamespace.test(content.namespace)) found.push(`sends its RPC in namespace ${content.namespace}`);
  // TR-069 3.5: only top-level CWMP elements are namespace-qualified.
  if (!isFault && content.children.some(({ namespace }) => namespace !== '')) found.push('qualifies its arguments');
  for (const { name, namespace, attributes } of headers) {
    if (!cwmpNamespace.test(namespace)) found.push(`sends header ${name} in namespace ${namespace}`);
    const mustUnderstand = [...attributes].some(([key, value]) => key.endsWith(':mustUnderstand') && value === '1');
    if (['ID', 'HoldRequests', 'UseCWMPVersion'].includes(name) && !mustUnderstand)
      found.push(`sends header ${name} without mustUnderstand="1"`);
    if (['SessionTimeout', 'SupportedCWMPVersions'].includes(name))
      found.push(`sends header ${name}, which is the CPE's`);
  }
  return found;
}
