import { createFemtocell } from '../femtocell.ts';
import { refused, spoken } from './bad-certificates.ts';
import { type Cast, known, perform, role, stage } from './cast.ts';
import { admitted } from './good-devices.ts';
import { notTaken, type Observation, type Scenario } from './scenario.ts';

/** Sessions taken to where they do not belong. */
export function carriedSessionScenarios(cast: Cast): Scenario[] {
  return [ticketElsewhere(cast), cookieTheft(cast)];
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** A TLS session opens only the door it was made at: the second door knows no Zenith, and must not resume. */
function ticketElsewhere(cast: Cast): Scenario {
  const devices = versions.map((version) => ({ version, device: role(cast, 'zenith') }));
  return {
    name: 'ticket-elsewhere',
    title: 'A TLS ticket carried to another door',
    prepare: known(...devices.map(({ device }) => device)),
    steps: versions.flatMap((version) => [
      admitted(`${spoken(version)}, its own door`, version),
      { ...refused(`${spoken(version)}, the other`, 'chain_untrusted', { resumed: false }), door: 'second' },
    ]),
    run: async (context) => {
      const seen: Observation[] = [];
      for (const { version, device } of devices) {
        const cell = await stage(context, device, { tls: { version } });
        seen.push(await perform(cell));
        const elsewhere = createFemtocell({ ...cell.options, url: context.doors.second });
        elsewhere.tlsSession = cell.tlsSession;
        const carried = cell.tlsSession !== undefined;
        seen.push(carried ? await perform(elsewhere) : notTaken('the main door gave no TLS session to carry'));
      }
      return seen;
    },
  };
}

function cookieTheft(cast: Cast): Scenario {
  const owner = role(cast, 'acme');
  const thief = role(cast, 'acme');
  return {
    name: 'cookie-theft',
    title: 'A session cookie under two certificates',
    prepare: known(owner, thief),
    // CWMP-24: 403.
    steps: [admitted('the owner'), refused('the thief', 'cookie_certificate_mismatch', { http: 403 })],
    run: async (context) => {
      const [owning, stealing] = await Promise.all([stage(context, owner), stage(context, thief)]);
      let theft = notTaken('the owner’s session did not open');
      const first = await perform(owning, {
        whileOpen: async (cookie = '') => {
          theft = await perform(stealing, { cookie, firstMessage: '' });
        },
      });
      return [first, theft];
    },
  };
}
