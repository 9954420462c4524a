import type { Envelope } from './messages.ts';

export type DecodeErrorCode =
  /** More bytes than the limit allows. */
  | 'too-large'
  /** A charset that is none of UTF-8, ISO-8859-1, US-ASCII, or bytes that are not of the charset declared. */
  | 'encoding'
  /** Not well-formed XML with namespaces. */
  | 'not-xml'
  /** DOCTYPE or processing instruction. */
  | 'forbidden-xml'
  /** Well-formed, but not one SOAP 1.1 envelope with one body holding one message. */
  | 'not-soap'
  /** SOAP, but its message is in no namespace of CWMP 1.x. */
  | 'not-cwmp'
  /** Depth, attributes, elements, counts or lengths beyond the limits. */
  | 'limit'
  /** An element given twice that may be given once, or one of a foreign namespace with the name of ours. */
  | 'ambiguous'
  /** A required argument is missing or its value is not of its type. */
  | 'invalid-arguments'
  /** A header with mustUnderstand=1 that hems does not know. */
  | 'not-understood'
  /** A defect of hems, not of the message. */
  | 'internal';

export interface DecodeError {
  readonly code: DecodeErrorCode;
  /** For logs; may quote the message, with anything but printable ASCII escaped. */
  readonly message: string;
  /** What was known of the message when reading stopped: enough to answer a request with a fault. */
  readonly about?: {
    readonly namespace: string;
    readonly id?: string;
    readonly kind: 'request' | 'response' | 'fault';
    readonly name: string;
  };
}

export type Decoded =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly error: DecodeError };
