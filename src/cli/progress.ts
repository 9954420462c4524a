/** A bar on standard error, only where a person looks at it. */
export interface Progress {
  at(done: number): void;
  end(): void;
}

const width = 30;

export function progressLine(total: number, unit = 'devices'): Progress {
  const stream = process.stderr;
  if (stream.isTTY !== true) return { at: () => undefined, end: () => undefined };
  const started = performance.now();
  let drawn = 0;
  return {
    at: (done) => {
      const now = performance.now();
      if (now - drawn < 100 && done < total) return;
      drawn = now;
      const part = total === 0 ? 1 : Math.min(done / total, 1);
      const bar = '█'.repeat(Math.round(part * width)).padEnd(width, '░');
      const rate = Math.round((done * 1000) / Math.max(now - started, 1));
      stream.write(`\r${bar} ${Math.floor(part * 100)} %  ${rate} ${unit}/s `);
    },
    end: () => void stream.write('\r\u001b[K'),
  };
}
