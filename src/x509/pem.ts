/** Reads PEM (RFC 7468) that an operator gave: bounded, and clear about what is wrong. */

export class PemError extends Error {
  override readonly name = 'PemError';
}

/** Most bytes of text and most blocks read. */
const mostText = 8 * 1024 * 1024;
const mostBlocks = 10_000;

/**
 * The DER of every block with this label, in order; text between blocks and blocks of other labels are passed over.
 * Throws `PemError` when there is none, or a block is broken.
 */
export function readPem(text: string, label: string, most = mostText): Uint8Array[] {
  if (text.length > most) throw new PemError(`more than ${most} characters of PEM`);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  for (let from = text.indexOf(begin); from >= 0; from = text.indexOf(begin, from)) {
    const to = text.indexOf(end, from);
    if (to < 0) throw new PemError(`block ${blocks.length + 1} of ${label} has no end line`);
    if (blocks.length >= mostBlocks) throw new PemError(`more than ${mostBlocks} blocks of ${label}`);
    blocks.push(decodeBlock(text.slice(from + begin.length, to), blocks.length + 1, label));
    from = to + end.length;
  }
  if (blocks.length === 0) throw new PemError(`no block of ${label} was found`);
  return blocks;
}

function decodeBlock(body: string, number: number, label: string): Uint8Array {
  const base64 = body.replace(/[\t\n\v\f\r ]+/g, '');
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
    throw new PemError(`block ${number} of ${label} is not base64`);
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** One PEM block, 64 characters a line. */
export function writePem(der: Uint8Array, label: string): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
