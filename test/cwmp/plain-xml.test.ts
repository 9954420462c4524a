import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { defaultReadLimits } from '../../src/cwmp/limits.ts';
import { readPlainXml } from '../../src/cwmp/plain-xml.ts';
import type { ElementHandler } from '../../src/cwmp/xml-element.ts';
import { readXml } from '../../src/cwmp/xml-reader.ts';
import { cpeRequests, cpeResponses } from './every-message.ts';
import { envelopeXml, faultXml, informXml, valuesXml } from './wire.ts';

type Told = (string | object)[];

/** Everything that a reader tells, text between two tags in one piece. */
function recorder(): { readonly told: Told; readonly handler: ElementHandler } {
  const told: Told = [];
  const handler: ElementHandler = {
    open: ({ name, prefix, local, uri, attributes }) => {
      const plain = attributes.map((attribute) => [attribute.local, attribute.uri, attribute.value]);
      told.push({ name, prefix, local, uri, attributes: plain });
    },
    text: (text) => {
      const last = told.at(-1);
      if (typeof last === 'string' && last.startsWith('text ')) told[told.length - 1] = last + text;
      else told.push(`text ${text}`);
    },
    close: () => {
      told.push('close');
    },
  };
  return { told, handler };
}

const limits = { ...defaultReadLimits, token: 4096 };

/** Space is told by neither that stands before or behind an element. */
function meant(told: Told): Told {
  const isSpace = (one: Told[number]): boolean => typeof one === 'string' && /^text [ \t\r\n]*$/.test(one);
  return told.filter((one, n) => !isSpace(one) || (typeof told[n - 1] === 'object' && told[n + 1] === 'close'));
}

function plainly(text: string): Told | undefined {
  const { told, handler } = recorder();
  return readPlainXml(text, limits, handler) ? meant(told) : undefined;
}

/** Undefined: refused. Text around the root is nobody's. */
function strictly(text: string): Told | undefined {
  const { told, handler } = recorder();
  let depth = 0;
  try {
    readXml(text, limits, {
      open: (element) => {
        depth += 1;
        handler.open(element);
      },
      text: (piece) => {
        if (depth > 0) handler.text(piece);
      },
      close: () => {
        depth -= 1;
        handler.close();
      },
    });
  } catch {
    return undefined;
  }
  return meant(told);
}

const bodies = [
  informXml(),
  valuesXml,
  faultXml,
  ...Object.entries({ ...cpeRequests, ...cpeResponses }).map(
    ([name, { xml }]) => `<cwmp:${name}>${xml}</cwmp:${name}>`,
  ),
];
const documents = [
  ...bodies.map((body) => envelopeXml({ body })),
  '<a><b x="1"/><b x="1"/><c xmlns="urn:c"><b x="1"/></c><b x="1"/></a>',
  '<a xmlns:p="urn:p"><p:b p:x="1" x="2"/><b xmlns:p="urn:q"><p:b/><p:b/></b><p:b/></a>',
  '<r xml:lang="en">\t&lt;&amp;&gt;&quot;&apos; é 😀\r\n\r<x y=\'a\r\nb"c\'>\n</x ></r>\n',
];

const fragments = [
  ...['<', '>', '/>', '</', '</a>', '<a>', '<a/>', '"', "'", '=', ' ', '\t', '\r', '\r\n', ':', 'a:', '-', '.', '0'],
  ...[
    '&',
    '&amp;',
    '&#65;',
    '&#0;',
    '&eacute;',
    ']]>',
    '<![CDATA[x]]>',
    '<!--x-->',
    '<!--',
    '<?x ?>',
    '<?xml version="1.0"?>',
  ],
  ...['<!DOCTYPE a>', '\0', '\u0001', '\u000b', '\u007f', '\u0085', '\u2028', '\ufeff', '\ufffe', 'é', '😀'],
  ...[
    ' a="1"',
    ' a="1" a="1"',
    ' a="&lt;"',
    ' a=">"',
    ' a="<"',
    " b='\"'",
    ' xmlns=""',
    ' xmlns="urn:x"',
    ' xmlns:p=""',
  ],
  ...[' xmlns:p="urn:p" xmlns:q="urn:p" p:a="1" q:a="2"', ' xmlns:xml="urn:x"', ' xmlns:xmlns="urn:x"', ' xml:a="1"'],
  ...[' xmlns:p="http://www.w3.org/XML/1998/namespace"', ' xmlns:p=" urn:p "', ' xmlns:soap="urn:x"', '<p:a/>'],
  ...[
    '<xmlns:a/>',
    '<a:b:c/>',
    '<:a/>',
    '<a:/>',
    '<é/>',
    '<__proto__ __proto__="1"/>',
    'x'.repeat(5000),
    '<a>'.repeat(40),
  ],
];

const place = fc.double({ min: 0, max: 1, noNaN: true });
type Mutation = (text: string) => string;
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...fragments)).map(([where, fragment]) => (text: string) => {
    const cut = Math.floor(where * text.length);
    return text.slice(0, cut) + fragment + text.slice(cut);
  }),
  // Where it does the most: at a tag.
  fc
    .tuple(fc.nat(400), fc.constantFrom('<', '>'), fc.constantFrom(...fragments))
    .map(([skip, sign, fragment]) => (text: string) => {
      let cut = -1;
      for (let n = 0; n <= skip % Math.max(1, text.split(sign).length - 1); n += 1) cut = text.indexOf(sign, cut + 1);
      return text.slice(0, Math.max(0, cut)) + fragment + text.slice(Math.max(0, cut));
    }),
  fc.tuple(place, place).map(([a, b]) => (text: string) => {
    const [from, to] = [Math.floor(Math.min(a, b) * text.length), Math.floor(Math.max(a, b) * text.length)];
    return text.slice(0, from) + text.slice(to);
  }),
  place.map((where) => (text: string) => text.slice(0, Math.floor(where * text.length))),
);

const mutated = fc
  .tuple(fc.constantFrom(...documents), fc.array(mutation, { minLength: 1, maxLength: 3 }))
  .map(([text, mutations]) => Buffer.from(mutations.reduce((so, mutate) => mutate(so), text)).toString());

describe('reading plain documents', () => {
  test('every message of CWMP, as devices write it, is read without the strict reader', () => {
    for (const text of documents) assert.ok(plainly(text), text);
  });

  test('says the same of them as the strict reader', () => {
    for (const text of documents) assert.deepEqual(plainly(text), strictly(text));
  });

  test('whatever is done to a document, it is either left to the strict reader or read as by that one', () => {
    let read = 0;
    const property = fc.property(mutated, (text) => {
      const told = plainly(text);
      if (told === undefined) return;
      read += 1;
      assert.deepEqual(told, strictly(text), JSON.stringify(text));
    });
    fc.assert(property, { numRuns: 5000 });
    assert.ok(read > 200, `${read} of them were plain`);
  });

  const left: readonly (readonly [string, string])[] = [
    ['a comment', '<a><!-- x --></a>'],
    ['CDATA', '<a><![CDATA[x]]></a>'],
    ['a numeric reference', '<a>&#65;</a>'],
    ['an entity of its own', '<a>&x;</a>'],
    ['a DOCTYPE', '<!DOCTYPE a><a/>'],
    ['a processing instruction', '<a><?x ?></a>'],
    ['two roots', '<a/><a/>'],
    ['text behind the root', '<a/>x'],
    ['an unclosed tag', '<a><b></b>'],
    ['a tag closed by another name', '<a></ab>'],
    ['an unbound prefix', '<p:a/>'],
    ['a prefix bound elsewhere only', '<a><b xmlns:p="urn:p"><p:c/></b><p:c/></a>'],
    ['an attribute given twice', '<a x="1" x="2"/>'],
    ['an attribute given twice by two prefixes', '<a xmlns:p="urn:p" xmlns:q="urn:p" p:x="1" q:x="2"/>'],
    ['a control character', '<a>\u0008</a>'],
    ['nothing at all', ' \n'],
    ['elements beyond the depth', `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`],
    ['attributes beyond the limit', `<a${Array.from({ length: 17 }, (_, n) => ` a${n}="1"`).join('')}/>`],
    ['a long tag', `<a x="${'1'.repeat(5000)}"/>`],
    ['a long stretch of space', `<a>${' '.repeat(5000)}<b/></a>`],
    ['a byte order mark in the text before the root', ' \ufeff\ufeff<a/>'],
    ['a long text', `<a>${'1'.repeat(5000)}</a>`],
  ];
  for (const [what, text] of left)
    test(`leaves to the strict reader: ${what}`, () => assert.equal(plainly(text), undefined));
});
