import type { ChainAnswer } from '../trust/chain-check.ts';
import type { SourceAnswer, Verdict } from '../trust/verdict.ts';
import { nameToString } from '../x509/name.ts';
import type { CheckedRevocation } from './certificate-revocation.ts';
import { momentText } from './structure-view.ts';
import { paint, printable } from './terminal.ts';

/** Each source asked, what it said of which certificate, and the verdict. */
export function revocationLines({ path }: ChainAnswer, { verdict, notes }: CheckedRevocation): readonly string[] {
  const told = notes.map((note) => `${paint('dim', 'note')} ${printable(note, 400)}`);
  if (verdict === undefined) return ['Revocation was not looked at: there is no path.', ...told];
  const names = new Map(
    [...(path === undefined ? [] : [path.leaf, ...path.intermediates])].map((one) => [
      one.fingerprint,
      nameToString(one.subject) || '(no name)',
    ]),
  );
  const heard = verdict.evidence.flatMap(({ certificate, answers }) =>
    answers.map(
      (answer) =>
        `asked ${printable(answer.source)} of ${printable(names.get(certificate) ?? certificate)}: ${answerText(answer)}`,
    ),
  );
  return [...heard, verdictText(verdict), ...told];
}

function answerText({ status, basis }: SourceAnswer): string {
  const by = basis === undefined ? '' : ` ${paint('dim', `(${printable(basisText(basis), 200)})`)}`;
  switch (status.kind) {
    case 'good':
      return `${paint('green', 'good')}, ${timesText(status)}${by}`;
    case 'revoked':
      return `${paint('red', 'revoked')} at ${momentText(status.revokedAt)}, ${status.reason}, ${timesText(status)}${by}`;
    case 'unknown': {
      const detail = status.detail === undefined ? '' : `: ${printable(status.detail, 300)}`;
      return `${paint('yellow', 'unknown')} (${status.cause})${detail}${by}`;
    }
  }
}

function timesText({ thisUpdate, nextUpdate }: { readonly thisUpdate: Date; readonly nextUpdate?: Date }): string {
  return `from ${momentText(thisUpdate)}${nextUpdate === undefined ? '' : ` to ${momentText(nextUpdate)}`}`;
}

function basisText({ url, sha256, number }: NonNullable<SourceAnswer['basis']>): string {
  const crl = sha256 === undefined ? [] : [`CRL ${number ?? 'without number'}, SHA-256 ${sha256.slice(0, 16)}…`];
  return [...(url === undefined ? [] : [url]), ...crl].join(', ');
}

function verdictText(verdict: Verdict): string {
  const policy = verdict.version === 'none' ? 'every certificate needs a current answer' : 'the policy of the file';
  const tolerated = verdict.tolerated.length > 0 ? `, tolerated: ${verdict.tolerated.join(', ')}` : '';
  switch (verdict.outcome) {
    case 'admit':
      return `verdict ${paint('green', 'not revoked')}, until ${momentText(verdict.validUntil)}${tolerated} (${policy})`;
    case 'quarantine':
      return `verdict ${paint('yellow', 'quarantine')}: ${verdict.cause} (${verdict.detail}) (${policy})`;
    case 'deny':
      return `verdict ${paint('red', 'refused')}: ${verdict.cause} (${verdict.detail}) (${policy})`;
  }
}
