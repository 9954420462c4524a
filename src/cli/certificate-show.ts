import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { parseCrl } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';
import { parseOcspResponse } from '../x509/ocsp-response.ts';
import { PemError, readPem } from '../x509/pem.ts';
import { type Profile, type ProfileName, profiles } from '../x509/profile.ts';
import { certificateView } from './certificate-view.ts';
import { crlView } from './crl-view.ts';
import { exitCodes, failure } from './failure.ts';
import { ocspView } from './ocsp-view.ts';
import { looksLikeDer, readOperatorFile } from './operator-file.ts';
import { printView, type StructureView } from './structure-view.ts';
import { print } from './terminal.ts';

interface Context {
  readonly profile: Profile;
  readonly certificates: readonly Certificate[];
}

/** A kind of structure: its label in PEM, and how it is seen. Throws DerError where the octets are none of it. */
interface Kind {
  readonly label: string;
  readonly view: (der: Uint8Array, context: Context) => StructureView;
}

const kinds: readonly Kind[] = [
  {
    label: 'CERTIFICATE',
    view: (der, { profile, certificates }) => certificateView(parseCertificate(der), profile, certificates),
  },
  { label: 'X509 CRL', view: (der) => crlView(parseCrl(der)) },
  { label: 'OCSP RESPONSE', view: (der) => ocspView(parseOcspResponse(der)) },
];

const mostBytes = 64 * 1024 * 1024;

export async function showFile(file: string, options: { readonly profile: ProfileName }): Promise<void> {
  const blocks = blocksOf(await readOperatorFile(file, mostBytes), file);
  const certificates = blocks.flatMap(({ der }) => readable(() => parseCertificate(der)));
  const context: Context = { profile: profiles[options.profile], certificates };
  for (const [i, block] of blocks.entries()) {
    if (i > 0) print('');
    printView(viewOf(block, context, `${file}${blocks.length > 1 ? `, structure ${i + 1}` : ''}`));
  }
}

interface Block {
  readonly der: Uint8Array;
  /** Undefined for DER, which does not say what it is. */
  readonly label: string | undefined;
}

function blocksOf(bytes: Uint8Array, file: string): Block[] {
  if (looksLikeDer(bytes)) return [{ der: bytes, label: undefined }];
  const text = Buffer.from(bytes).toString('latin1');
  const found = kinds.flatMap(({ label }) => {
    if (!text.includes(`-----BEGIN ${label}-----`)) return [];
    try {
      return readPem(text, label).map((der) => ({ der, label }));
    } catch (error) {
      if (error instanceof PemError) throw failure(exitCodes.usage, `${file}: ${error.message}`);
      throw error;
    }
  });
  if (found.length > 0) return found;
  const labels = kinds.map(({ label }) => label).join(', ');
  throw failure(exitCodes.usage, `${file} holds nothing that can be shown`, `it may hold, in PEM or DER: ${labels}`);
}

function viewOf({ der, label }: Block, context: Context, where: string): StructureView {
  const possible = kinds.filter((kind) => label === undefined || kind.label === label);
  const errors: string[] = [];
  for (const { view, label: kind } of possible)
    try {
      return view(der, context);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      errors.push(`${kind}: ${error.message}`);
    }
  throw failure(exitCodes.usage, `${where} cannot be read: ${errors.join('; ')}`);
}

function readable<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}
