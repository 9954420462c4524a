import type { LogEntry } from '../trust/decision-log.ts';
import { paint, printable } from './terminal.ts';

/** What a line about one decision needs, whether it comes from the database or from the running server. */
export interface DecisionView {
  readonly at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly reason?: string | null | undefined;
  readonly detail?: string | null | undefined;
  readonly peer: string;
  readonly listener: string;
  readonly remoteAddress?: string | null | undefined;
  readonly tlsVersion?: string | null | undefined;
  readonly cipherSuite?: string | null | undefined;
  readonly resumed?: boolean | null | undefined;
  readonly anchor?: string | null | undefined;
  readonly identity?: string | null | undefined;
  readonly subject?: string | null | undefined;
}

/** `12:00:01 refused  cert_expired (expired)  stranger  198.51.100.7  TLSv1.3  CN=…` */
function decisionLine(view: DecisionView): string {
  const verdict = view.outcome === 'admitted' ? paint('green', 'admitted') : paint('red', 'refused ');
  const why = view.outcome === 'admitted' ? '' : `${view.reason} (${view.detail})`;
  const tls = [view.tlsVersion, view.cipherSuite, view.resumed === true ? 'resumed' : undefined].filter(Boolean);
  const who = view.identity ?? view.subject ?? '-';
  return [
    paint('dim', view.at.toISOString().slice(0, 19)),
    verdict,
    printable(why).padEnd(42),
    printable(view.peer).padEnd(13),
    printable(view.remoteAddress ?? '-').padEnd(15),
    printable(who, 80),
    paint('dim', printable(tls.join(' '))),
  ].join('  ');
}

export function logLine(entry: LogEntry): string {
  if (entry.kind === 'decision') {
    const row = entry.decision;
    return decisionLine({
      ...row,
      remoteAddress: row.remote_address,
      tlsVersion: row.tls_version,
      cipherSuite: row.cipher_suite,
    });
  }
  const { minute, suppressed, reason, peer, source, sources } = entry.summary;
  const from = source ?? `${sources} sources`;
  return `${paint('dim', minute.toISOString().slice(0, 19))}  ${paint('yellow', `${suppressed} more`)}  ${printable(reason)} of ${printable(peer)} from ${printable(from)} in that minute`;
}
