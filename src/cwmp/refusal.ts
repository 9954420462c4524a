import type { AcsFaultCode } from './faults.ts';

/** Why a message is not read further. */
export type RefusalCode =
  /** More bytes than the limit allows. */
  | 'too-large'
  /** A charset that is none of UTF-8, ISO-8859-1 and US-ASCII, or bytes that are not of the one declared. */
  | 'encoding'
  /** Not well-formed XML with namespaces. */
  | 'not-xml'
  /** DOCTYPE or processing instruction. */
  | 'forbidden-xml'
  /** XML, but not one SOAP 1.1 envelope with one body that holds one message. */
  | 'not-soap'
  /** SOAP, but its message is in no namespace of CWMP 1.x. */
  | 'not-cwmp'
  /** Depth, attributes, elements, counts or lengths beyond the limits. */
  | 'limit'
  /** An element given twice that may be given once, or one of a foreign namespace that bears the name of ours. */
  | 'ambiguous'
  /** A required argument is missing, or a value is not of its type. */
  | 'invalid-arguments'
  /** A header that hems does not know and that demands to be understood. */
  | 'not-understood'
  /** A defect of hems, not of the message. */
  | 'internal';

/** Stops a parser that can only be stopped by throwing; never leaves `decodeEnvelope`. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Text from a message, fit for one line of a log: printable ASCII, bounded. */
export function printable(text: string, most = 160): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** What a request is told that could not be read; undefined if it is no SOAP message, which HTTP has to refuse. */
export function faultOf(code: RefusalCode): AcsFaultCode | undefined {
  switch (code) {
    case 'ambiguous':
    case 'invalid-arguments':
    case 'not-understood':
      return 8003;
    case 'limit':
      return 8004;
    case 'internal':
      return 8002;
    case 'too-large':
    case 'encoding':
    case 'not-xml':
    case 'forbidden-xml':
    case 'not-soap':
    case 'not-cwmp':
      return undefined;
  }
}
