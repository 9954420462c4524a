/** Panels as pictures: an SVG from what the queries of a dashboard answered. */

export interface Curve {
  readonly label: string;
  /** Unix seconds and value, in order. */
  readonly points: readonly (readonly [number, number])[];
}

export interface DrawnPanel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'bargauge';
  readonly unit: string;
  readonly stacked: boolean;
  readonly curves: readonly Curve[];
  /** Of 24 columns. */
  readonly width: number;
}

const column = 46;
const gap = 10;
const heights = { timeseries: 240, bargauge: 240, stat: 96 } as const;
const palette = [
  '#5794f2',
  '#ff9830',
  '#f2495c',
  '#73bf69',
  '#b877d9',
  '#fade2a',
  '#8ab8ff',
  '#ffa6b0',
  '#96d98d',
  '#ca95e5',
];
const colour = (index: number): string => palette[index % palette.length] ?? '#888';

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function text(x: number, y: number, words: string, size = 12, fill = '#ccccdc', extra = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" ${extra}>${escaped(words)}</text>`;
}

/** As people read it: 1.2k, 0.34, 3 d. */
export function shown(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 's') return duration(value);
  if (unit === 'percentunit') return `${(value * 100).toFixed(0)} %`;
  const size = Math.abs(value);
  const digits = size >= 10 || Number.isInteger(value) ? 0 : size >= 1 ? 1 : 2;
  const short =
    size >= 1e6 ? `${(value / 1e6).toFixed(1)}M` : size >= 1e4 ? `${(value / 1e3).toFixed(0)}k` : value.toFixed(digits);
  return unit === 'reqps' ? `${short}/s` : short;
}

function duration(seconds: number): string {
  const size = Math.abs(seconds);
  for (const [length, name] of [
    [31_557_600, 'years'],
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const)
    if (size >= 2 * length) return `${(seconds / length).toFixed(0)} ${name}`;
  return size >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(1)} ms`;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** All panels in rows of 24 columns below a title. */
export function drawPanels(title: string, panels: readonly DrawnPanel[]): string {
  const parts: string[] = [];
  let [x, y, tallest] = [0, 40, 0];
  for (const panel of panels) {
    if (x + panel.width > 24) [x, y, tallest] = [0, y + tallest + gap, 0];
    const box = { x: x * column + gap, y, w: panel.width * column - gap, h: heights[panel.kind] };
    parts.push(drawPanel(panel, box));
    x += panel.width;
    tallest = Math.max(tallest, box.h);
  }
  const [width, height] = [24 * column + gap, y + tallest + gap];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Inter, Helvetica, Arial, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#111217"/>`,
    text(gap, 26, title, 16, '#ffffff', 'font-weight="600"'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Bold letters are about 0.6 of their height wide; a long title is set smaller, and never wider than its panel. */
function heading(title: string, { x, y, w }: Box): string {
  const room = w - 20;
  const size = Math.max(8, Math.min(12, room / (title.length * 0.6)));
  const fitted = size < 12 ? ` textLength="${room}" lengthAdjust="spacingAndGlyphs"` : '';
  return text(x + 10, y + 18, title, Number(size.toFixed(1)), '#d8d9da', `font-weight="600"${fitted}`);
}

function drawPanel(panel: DrawnPanel, box: Box): string {
  const frame = `<rect x="${box.x}" y="${box.y}" width="${box.w}" height="${box.h}" rx="3" fill="#181b1f" stroke="#2c3235"/>`;
  const head = heading(panel.title, box);
  const inner = { x: box.x + 10, y: box.y + 28, w: box.w - 20, h: box.h - 36 };
  const body =
    panel.kind === 'stat' ? stat(panel, inner) : panel.kind === 'bargauge' ? bars(panel, inner) : series(panel, inner);
  return [frame, head, body].join('\n');
}

const lastOf = ({ points }: Curve): number => points.at(-1)?.[1] ?? Number.NaN;

function stat({ curves, unit }: DrawnPanel, box: Box): string {
  const value = curves.reduce((sum, curve) => sum + lastOf(curve), 0);
  const x = box.x + box.w / 2;
  return text(
    x,
    box.y + box.h / 2 + 14,
    shown(value, unit),
    32,
    value > 0 ? '#ff9830' : '#73bf69',
    'text-anchor="middle"',
  );
}

function bars({ curves, unit }: DrawnPanel, box: Box): string {
  const most = Math.max(...curves.map(lastOf), 1e-9);
  const step = Math.min(30, box.h / Math.max(curves.length, 1));
  return curves
    .map((curve, i) => {
      const y = box.y + i * step;
      const length = Math.max(1, ((box.w - 190) * Math.max(0, lastOf(curve))) / most);
      return [
        text(box.x, y + step / 2 + 4, curve.label, 11),
        `<rect x="${box.x + 120}" y="${(y + 4).toFixed(1)}" width="${length.toFixed(1)}" height="${(step - 8).toFixed(1)}" fill="${colour(i)}" opacity="0.8"/>`,
        text(box.x + 126 + length, y + step / 2 + 4, shown(lastOf(curve), unit), 11),
      ].join('\n');
    })
    .join('\n');
}

function series(panel: DrawnPanel, box: Box): string {
  const { curves, stacked, unit } = panel;
  const drawn = curves.filter(({ points }) => points.some(([, value]) => value > 0)).slice(0, 12);
  const shownCurves = drawn.length > 0 ? drawn : curves.slice(0, 3);
  const legendRows = Math.ceil(shownCurves.length / 3);
  const plot = { x: box.x + 44, y: box.y + 4, w: box.w - 48, h: box.h - 26 - legendRows * 15 };
  const times = shownCurves.flatMap(({ points }) => points.map(([at]) => at));
  const [first, end] = [Math.min(...times), Math.max(...times)];
  const layers = layersOf(shownCurves, stacked);
  const most = Math.max(...layers.flatMap(({ top }) => top.map(([, value]) => value)), 1e-9) * 1.08;
  const px = (at: number): string => (plot.x + (plot.w * (at - first)) / Math.max(1, end - first)).toFixed(1);
  const py = (value: number): string => (plot.y + plot.h - (plot.h * value) / most).toFixed(1);
  const grid = [0, 0.5, 1].map((share) => {
    const y = py(most * share);
    return `<line x1="${plot.x}" x2="${plot.x + plot.w}" y1="${y}" y2="${y}" stroke="#2c3235"/>${text(box.x, Number(y) + 4, shown(most * share, unit), 10, '#9fa7b3')}`;
  });
  const lines = layers.map(({ top, bottom }, i) => {
    const path = top.map(([at, value]) => `${px(at)},${py(value)}`).join(' ');
    const back = bottom
      .toReversed()
      .map(([at, value]) => `${px(at)},${py(value)}`)
      .join(' ');
    const area = stacked ? `<polygon points="${path} ${back}" fill="${colour(i)}" opacity="0.35"/>` : '';
    return `${area}<polyline points="${path}" fill="none" stroke="${colour(i)}" stroke-width="1.5"/>`;
  });
  const legend = shownCurves.map(({ label }, i) => {
    const [x, y] = [box.x + (i % 3) * (box.w / 3), plot.y + plot.h + 34 + Math.floor(i / 3) * 15];
    const room = Math.floor(box.w / 3 / 6) - 3;
    const cut = label.length > room ? `${label.slice(0, room - 1)}…` : label;
    return `<rect x="${x.toFixed(1)}" y="${y - 5}" width="10" height="3" fill="${colour(i)}"/>${text(x + 14, y, cut, 10)}`;
  });
  const clock = (at: number): string => new Date(at * 1000).toISOString().slice(11, 19);
  const axis = [
    text(plot.x, plot.y + plot.h + 14, clock(first), 10, '#9fa7b3'),
    text(plot.x + plot.w, plot.y + plot.h + 14, clock(end), 10, '#9fa7b3', 'text-anchor="end"'),
  ];
  return [...grid, ...lines, ...axis, ...legend].join('\n');
}

type Points = readonly (readonly [number, number])[];

/** Stacked curves stand on those before them, others on the ground. */
function layersOf(curves: readonly Curve[], stacked: boolean): { top: Points; bottom: Points }[] {
  const ground = new Map<number, number>();
  return curves.map(({ points }) => {
    if (!stacked) return { top: points, bottom: points.map(([at]) => [at, 0] as const) };
    const bottom = points.map(([at]) => [at, ground.get(at) ?? 0] as const);
    const top = points.map(([at, value]) => [at, (ground.get(at) ?? 0) + value] as const);
    for (const [at, value] of top) ground.set(at, value);
    return { top, bottom };
  });
}
