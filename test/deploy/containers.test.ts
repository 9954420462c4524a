/** A strict look at what no engine reads here: the Containerfile line by line, the compose file service by service. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');
const deploy = join(root, 'deploy');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** Instructions with their continuation lines joined. */
function instructionsOf(text: string): Instruction[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
      assert.notEqual(word, '', `no instruction: ${line}`);
      return { word, rest };
    });
}

describe('the Containerfile', () => {
  const all = instructionsOf(read('deploy/Containerfile'));
  const of = (word: string): string[] => all.filter((one) => one.word === word).map(({ rest }) => rest);
  const last = all.slice(all.findLastIndex(({ word }) => word === 'FROM'));

  test('knows every instruction, builds in stages, from one image with a fixed version', () => {
    const words = ['ARG', 'FROM', 'WORKDIR', 'COPY', 'RUN', 'LABEL', 'ENV', 'USER', 'VOLUME', 'EXPOSE'];
    const known = [...words, 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'];
    for (const { word } of all) assert.ok(known.includes(word), word);
    assert.ok(of('FROM').length >= 3);
    for (const from of of('FROM')) assert.match(from, /^\$\{NODE_IMAGE\}( AS \w+)?$/);
    assert.match(of('ARG')[0] ?? '', /^NODE_IMAGE=docker\.io\/library\/node:24-[a-z-]+$/);
  });

  test('ships no compiler, no sources and no packages of the development', () => {
    assert.ok(of('RUN').some((run) => /^npm ci .*--omit=dev/.test(run)));
    assert.ok(of('RUN').every((run) => !/npm (i|install)\b/.test(run)));
    assert.ok(last.every(({ word, rest }) => word !== 'COPY' || !/(^| )src\b/.test(rest)));
    assert.ok(last.every(({ word, rest }) => word !== 'RUN' || !/npm|apt|curl/.test(rest)));
  });

  test('runs as nobody in particular, watches its health, and needs no shell', () => {
    assert.deepEqual(
      last.filter(({ word }) => word === 'USER').map(({ rest }) => rest),
      ['10001:10001'],
    );
    const user = last.findIndex(({ word }) => word === 'USER');
    assert.ok(last.slice(user).every(({ word }) => word !== 'RUN' && word !== 'COPY'));
    assert.equal(last.filter(({ word }) => word === 'HEALTHCHECK').length, 1);
    for (const word of ['ENTRYPOINT', 'CMD']) assert.ok(Array.isArray(JSON.parse(of(word)[0] ?? '')), word);
    const check = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0] ?? '')?.[1] ?? '';
    assert.ok(Array.isArray(JSON.parse(check)));
  });

  test('copies what there is, and the ignore file lets it through', () => {
    const ignored = read('.containerignore').split('\n').filter(Boolean);
    assert.equal(ignored[0], '*');
    assert.equal(read('.dockerignore'), read('.containerignore'));
    for (const copy of of('COPY').filter((line) => !line.startsWith('--from')))
      for (const source of copy.split(' ').slice(0, -1)) {
        assert.ok(existsSync(join(root, source)), source);
        assert.ok(ignored.includes(`!${source}`), `${source} is ignored`);
      }
  });

  test('holds no secret', () => {
    assert.doesNotMatch(read('deploy/Containerfile'), /password|secret|token/i);
  });
});

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly string[] };
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly security_opt?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
  readonly command?: readonly string[];
}

describe('the compose file', () => {
  const { services, volumes } = parse(read('deploy/compose.yaml'), { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };

  test('has hems, its database, Prometheus, Grafana and a fleet', () => {
    assert.deepEqual(Object.keys(services), ['postgres', 'hems', 'cells', 'refused', 'prometheus', 'grafana']);
  });

  for (const [name, service] of Object.entries(services)) {
    test(`${name}: a fixed image, a read-only root, no new rights, bounded, published to this machine alone`, () => {
      assert.match(service.image ?? '', /^[a-z0-9./-]+:[a-z0-9.-]*\d[a-z0-9.-]*$|^localhost\/hems:try-it$/);
      assert.equal(service.read_only, true);
      assert.notEqual(service.privileged, true);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
      if (name !== 'postgres') assert.deepEqual(service.cap_drop, ['ALL']);
      assert.match(service.mem_limit ?? '', /^\d+[mg]$/);
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
      assert.ok(service.network_mode === undefined || /^service:\w+$/.test(service.network_mode));
      for (const word of service.command ?? []) assert.equal(typeof word, 'string');
    });

    test(`${name}: depends on what is there and healthy, mounts what is there`, () => {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.ok(services[other], other);
        assert.equal(condition, 'service_healthy');
        // hems brings its check in the image.
        assert.ok(other === 'hems' || services[other]?.healthcheck?.test !== undefined, other);
      }
      const shared = /^service:(\w+)$/.exec(service.network_mode ?? '')?.[1];
      assert.ok(shared === undefined || services[shared]);
      if (service.build) {
        assert.ok(existsSync(join(deploy, service.build.context, service.build.dockerfile)));
      }
      for (const [source = '', target = '', mode] of (service.volumes ?? []).map((volume) => volume.split(':'))) {
        assert.match(target, /^\//);
        if (!source.startsWith('.')) assert.ok(source in volumes, source);
        else {
          assert.ok(existsSync(join(deploy, source)), source);
          assert.equal(mode, 'ro', `${source} may be written`);
        }
      }
    });
  }

  test('every named volume is used, and the provisioned sources get all their values', () => {
    const used = Object.values(services).flatMap(({ volumes: own = [] }) => own.map((volume) => volume.split(':')[0]));
    for (const name of Object.keys(volumes)) assert.ok(used.includes(name), name);
    const sources = read('deploy/grafana/provisioning/datasources/hems.yaml');
    const grafana = read('deploy/compose.yaml').split('  grafana:\n')[1] ?? '';
    for (const [, variable = ''] of sources.matchAll(/: \$?\$(HEMS_\w+)/g))
      assert.ok(grafana.includes(`${variable}:`), variable);
  });
});
