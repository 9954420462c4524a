/** The versions of CWMP that hems speaks, oldest first (TR-069 A1, A2, A3, A4, A5 and A6). */
export const cwmpVersions = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;

export type CwmpVersion = (typeof cwmpVersions)[number];
