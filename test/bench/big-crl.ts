import { createSign, randomBytes } from 'node:crypto';
import * as der from '../x509/der-writer.ts';
import { hours } from '../x509/crl-minting.ts';
import { algorithms, type KeyPair } from '../x509/minting.ts';

/** Serial numbers of 16 octets, the first of them never zero and never negative. */
const serialOctets = 16;
/** Octets of one entry: serial number, UTCTime and, in every second one, a reasonCode. */
const plainEntry = 2 + 2 + serialOctets + 15;
const reasonEntry = plainEntry + 14;

const uTime = Buffer.from(der.time(hours(-100)));
const reasonCode = Buffer.from([0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, 1]);

/** The entries of a list, and every hundredth serial number in hex. */
function entriesOf(count: number): { list: Buffer; serials: string[] } {
  const size = Math.ceil(count / 2) * plainEntry + Math.floor(count / 2) * reasonEntry;
  const list = Buffer.allocUnsafe(size);
  const random = randomBytes(count * serialOctets);
  const serials: string[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const withReason = i % 2 === 1;
    const serial = random.subarray(i * serialOctets, (i + 1) * serialOctets);
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    list[at] = 0x30;
    list[at + 1] = (withReason ? reasonEntry : plainEntry) - 2;
    list[at + 2] = 0x02;
    list[at + 3] = serialOctets;
    serial.copy(list, at + 4);
    uTime.copy(list, at + 4 + serialOctets);
    if (withReason) reasonCode.copy(list, at + plainEntry);
    at += withReason ? reasonEntry : plainEntry;
    if (i % 100 === 0) serials.push(serial.toString('hex'));
  }
  return { list, serials };
}

export interface BigCrl {
  readonly der: Buffer;
  /** Serial numbers that are listed, in hex. */
  readonly serials: readonly string[];
}

/** A CRL of so many entries, about 42 bytes each. */
export function bigCrl(count: number, by: { readonly key: KeyPair; readonly subject: Uint8Array }): BigCrl {
  const { list, serials } = entriesOf(count);
  const { identifier } = algorithms['ecdsa-sha256'];
  const before = [der.integer(1), identifier, by.subject, der.time(hours(-1)), der.time(hours(24))];
  const tbs = der.sequence(...before, der.sequence(list));
  const signature = createSign('sha256').update(tbs).sign(by.key.privateKey);
  return { der: Buffer.from(der.sequence(tbs, identifier, der.bits(signature))), serials };
}
