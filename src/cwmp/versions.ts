/** The versions of CWMP that hems speaks, oldest first (TR-069 A1, A2, A3, A4, A5 and A6). */
export const cwmpVersions = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;

export type CwmpVersion = (typeof cwmpVersions)[number];

const cwmpNamespace = /^urn:dslforum-org:cwmp-1-(\d{1,2})$/;

/** Any namespace of CWMP 1.x: those of the schemas, and those that some devices invent (`…:cwmp-1-3`, `…:cwmp-1-4`). */
export function isCwmpNamespace(uri: string): boolean {
  // Arguments are of no namespace, and there are thousands of them.
  return uri !== '' && cwmpNamespace.test(uri);
}

/** What may be inferred from an envelope without SupportedCWMPVersions: TR-069 A4 and A5 kept the namespace of A3. */
export function inferVersion(namespace: string, hasSessionTimeout: boolean): CwmpVersion {
  const minor = Number(cwmpNamespace.exec(namespace)?.[1] ?? 0);
  if (minor === 2) return hasSessionTimeout ? '1.3' : '1.2';
  return cwmpVersions[Math.min(minor, cwmpVersions.length - 1)] ?? '1.0';
}

export type Negotiated =
  | {
      readonly ok: true;
      readonly version: CwmpVersion;
      /** To be sent as UseCWMPVersion: only to a device that offered a list, for an older one must not understand it. */
      readonly useCwmpVersion?: CwmpVersion | undefined;
    }
  | { readonly ok: false };

/** TR-069 A5 3.7.2: the highest version common to both; what the namespace says if the Inform offers no list. */
export function negotiateVersion(inferred: CwmpVersion, offered: readonly string[] | undefined): Negotiated {
  if (offered === undefined || offered.length === 0) return { ok: true, version: inferred };
  const version = cwmpVersions.findLast((own) => offered.includes(own));
  return version === undefined ? { ok: false } : { ok: true, version, useCwmpVersion: version };
}
