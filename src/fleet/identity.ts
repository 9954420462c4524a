/** What the certificate proves: a value under one rule of one anchor. Never a claim of an Inform. */
export interface DeviceIdentity {
  readonly anchor: string;
  readonly kind: IdentityKind;
  /**
   * `00a0bc123456.hnb.vendor.example` in lower case, or `00A0BC-PRODUCT-SERIAL` (OUI in upper case) with each part
   * percent-encoded in one way only, so that two different names never become one value.
   */
  readonly value: string;
  /** First six hex digits of the EUI, or the OUI of the common name; upper case. A consistency hint only (CERT-21). */
  readonly oui: string;
  /** Of a common name `OUI[-ProductClass]-Serial`: what the Inform has to say too. */
  readonly names?: SerialNames;
}

export type IdentityKind = 'hnb-fqdn' | 'oui-serial';

export interface SerialNames {
  readonly oui: string;
  readonly productClass?: string;
  readonly serialNumber: string;
}

/** An identity before an anchor is known for it. */
export type IdentityName = Omit<DeviceIdentity, 'anchor'>;

/** TS 23.003 4.10: `<EUI>.<realm>`, 12 or 16 hex digits, then two labels or more. */
const hnbFqdn = /^([0-9a-f]{12}|[0-9a-f]{16})\.[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/i;

export function parseHnbFqdn(text: string): IdentityName | undefined {
  if (text.length > 253 || !hnbFqdn.test(text)) return undefined;
  return { kind: 'hnb-fqdn', value: text.toLowerCase(), oui: text.slice(0, 6).toUpperCase() };
}

/** The labels after the EUI. */
export function realmOf(fqdn: string): string {
  return fqdn.slice(fqdn.indexOf('.') + 1);
}

/** TR-069 3.4: `<OUI>-<SerialNumber>` or `<OUI>-<ProductClass>-<SerialNumber>`, other characters percent-encoded. */
export function parseOuiSerial(text: string): IdentityName | undefined {
  if (text.length > 450) return undefined;
  const [oui = '', ...rest] = text.split('-');
  if (!/^[0-9a-f]{6}$/i.test(oui) || rest.length < 1 || rest.length > 2) return undefined;
  const parts = rest.map(decodePart);
  const serialNumber = parts.at(-1);
  const productClass = parts.length === 2 ? parts[0] : undefined;
  if (serialNumber === undefined || (parts.length === 2 && productClass === undefined)) return undefined;
  const names = { oui: oui.toUpperCase(), ...(productClass !== undefined && { productClass }), serialNumber };
  const encoded = parts.map((part) => encodePart(part ?? ''));
  return { kind: 'oui-serial', value: [names.oui, ...encoded].join('-'), oui: names.oui, names };
}

/** Strict: unreserved characters and whole UTF-8 escapes only, no control or invisible character behind them. */
function decodePart(part: string): string | undefined {
  if (!/^(?:[A-Za-z0-9._~]|%[0-9A-Fa-f]{2})+$/.test(part)) return undefined;
  try {
    const text = decodeURIComponent(part);
    // TR-069 A.3.3.1: ProductClass and SerialNumber have at most 64 characters.
    return text.length > 64 || /[\p{C}\p{Zl}\p{Zp}]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function encodePart(text: string): string {
  return encodeURIComponent(text).replace(
    /[-!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** An identity as a person writes it: either form. */
export function parseIdentityName(text: string): IdentityName | undefined {
  return parseHnbFqdn(text) ?? parseOuiSerial(text);
}

/** Whether an anchor with these realms may speak for the identity; an `oui-serial` one has no realm. */
export function speaksFor(realms: readonly string[], { kind, value }: Pick<IdentityName, 'kind' | 'value'>): boolean {
  if (kind === 'oui-serial') return true;
  const realm = realmOf(value);
  return realms.some((own) => realm === own || realm.endsWith(`.${own}`));
}
