/** A source has more bytes than it may have. */
export class TooLarge extends Error {}

/** The same bytes, at most so many; one more ends it with TooLarge. */
export async function* limited(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > most) throw new TooLarge(`more than ${most} bytes`);
    yield piece;
  }
}
